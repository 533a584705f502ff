package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
)

// Message is one packet on a worker's control socket. Both ends ignore kinds that
// they do not know, so that a supervisor and a worker of different builds can talk.
type Message struct {
	Version int    `json:"v"`
	Kind    Kind   `json:"kind"`
	Millis  int64  `json:"ms,omitempty"`      // KindDrain: how long work in flight may take
	Pattern string `json:"pattern,omitempty"` // KindClear: which cache keys; "" = all
}

// Kind says what a Message asks or tells.
type Kind string

// The kinds, and who sends them.
const (
	KindReady Kind = "ready" // worker: I answer requests
	KindDrain Kind = "drain" // supervisor: finish and leave
	KindClear Kind = "clear" // worker: tell everyone; supervisor: empty your cache
)

const (
	protocolVersion = 1
	maxPacket       = 8 << 10
)

// control is one end of a control socket: packets of one Message each
// (SOCK_SEQPACKET, so none is ever read by half).
type control struct {
	conn *net.UnixConn
}

func newControl(file *os.File) (*control, error) {
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("control socket: not a Unix socket"), conn.Close())
	}
	return &control{conn: unixConn}, nil
}

func (c *control) send(m Message) error {
	m.Version = protocolVersion
	packet, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(packet) > maxPacket {
		return fmt.Errorf("control message of %d bytes: over %d", len(packet), maxPacket)
	}
	_, err = c.conn.Write(packet)
	return err
}

// receive waits for the next message. A packet that is none is given as a Message
// without a Kind: to be ignored, not to end the conversation.
func (c *control) receive() (Message, error) {
	buf := make([]byte, maxPacket)
	n, err := c.conn.Read(buf)
	if err != nil {
		return Message{}, err
	}
	if n == 0 {
		return Message{}, net.ErrClosed
	}
	return parseMessage(buf[:n]), nil
}

func parseMessage(packet []byte) Message {
	var m Message
	if json.Unmarshal(packet, &m) != nil || m.Version != protocolVersion {
		return Message{}
	}
	return m
}

func (c *control) close() error { return c.conn.Close() }
