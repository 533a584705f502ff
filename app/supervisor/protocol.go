package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Message is one packet on a worker's control socket. Both ends ignore kinds that
// they do not know, so that a supervisor and a worker of different builds can talk.
type Message struct {
	Version  int    `json:"v"`
	Kind     Kind   `json:"kind"`
	Millis   int64  `json:"ms,omitempty"`      // KindDrain: time limit for work in flight
	HandOver bool   `json:"over,omitempty"`    // KindDrain: a successor is ready to take connections
	Pattern  string `json:"pattern,omitempty"` // KindClear: which cache keys; "" = all
	Slot     int    `json:"slot,omitempty"`    // KindConn: the sender's slot
	Run      string `json:"run,omitempty"`     // KindCancel: the run's id

	// Stream is the state of a KindConn's event stream, in a format that only workers read; empty for an idle
	// connection.
	Stream json.RawMessage `json:"stream,omitempty"`

	// Conn is the connection of a KindConn: an open descriptor, which the message's owner must send or Release. 0 =
	// none.
	Conn int `json:"-"`
}

// Release closes the message's connection, if it has one.
func (m Message) Release() {
	if m.Conn > 0 {
		_ = unix.Close(m.Conn)
	}
}

// TCPConn turns the message's descriptor into a connection of this process.
func (m Message) TCPConn() (*net.TCPConn, error) {
	if m.Conn <= 0 {
		return nil, errors.New("no descriptor came with the message")
	}
	file := os.NewFile(uintptr(m.Conn), "connection")
	conn, err := net.FileConn(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("the descriptor is not a TCP connection"), conn.Close())
	}
	return tcp, nil
}

// Kind is the kind of a Message.
type Kind string

// The kinds, their senders and their meanings.
const (
	KindReady        Kind = "ready"  // worker: it accepts requests
	KindQuotaReached Kind = "due"    // worker: it has answered its quota of requests
	KindDrain        Kind = "drain"  // supervisor: finish your work and exit
	KindConn         Kind = "conn"   // leaving worker, then supervisor: a connection to take over
	KindClear        Kind = "clear"  // worker: clear all workers' caches; supervisor: clear your cache
	KindReload       Kind = "reload" // worker: replace all workers
	KindCancel       Kind = "cancel" // worker: broadcast this; supervisor: cancel the run if you execute it
)

// The processes of a user together may have only as many descriptors in flight as one process may have open (unix(7)).
// At that limit, sending is retried every inFlightLook, for up to inFlightWait.
const (
	inFlightWait = time.Second
	inFlightLook = time.Millisecond
)

const (
	protocolVersion = 1
	maxPacket       = 8 << 10
)

// control is one end of a control socket (SOCK_SEQPACKET, so that no message is read partially). A packet is one
// Message, with a descriptor if the message has one (SCM_RIGHTS, unix(7)). Only one goroutine may receive; any may
// send.
type control struct {
	conn   *net.UnixConn
	packet [maxPacket]byte
	rights [64]byte
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
	var rights []byte
	if m.Conn > 0 {
		rights = unix.UnixRights(m.Conn)
	}
	for until := time.Now().Add(inFlightWait); ; time.Sleep(inFlightLook) {
		_, _, err = c.conn.WriteMsgUnix(packet, rights, nil)
		if !errors.Is(err, unix.ETOOMANYREFS) || time.Now().After(until) {
			return err
		}
	}
}

// receive waits for the next message. It returns an invalid packet as a Message without a Kind, which the caller
// ignores.
func (c *control) receive() (Message, error) {
	n, rights, _, _, err := c.conn.ReadMsgUnix(c.packet[:], c.rights[:])
	if err != nil {
		return Message{}, err
	}
	if n == 0 {
		return Message{}, net.ErrClosed
	}
	m := parseMessage(c.packet[:n])
	m.Conn = descriptor(c.rights[:rights])
	if m.Kind != KindConn {
		m.Release()
		m.Conn = 0
	}
	return m, nil
}

// descriptor returns the first descriptor of a packet and closes any others.
func descriptor(rights []byte) int {
	parts, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return 0
	}
	first := 0
	for _, part := range parts {
		fds, err := syscall.ParseUnixRights(&part)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if first > 0 {
				_ = unix.Close(fd)
				continue
			}
			first = fd
		}
	}
	return first
}

func parseMessage(packet []byte) Message {
	var m Message
	if json.Unmarshal(packet, &m) != nil || m.Version != protocolVersion {
		return Message{}
	}
	return m
}

func (c *control) close() error { return c.conn.Close() }
