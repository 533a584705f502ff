// Package wire is the protocol between a relay's two ends: the frames, their codec, and the
// outbox that combines many frames into one write. The reader checks every length against
// the remaining data and against a limit, so that a broken peer costs only its own
// connection.
package wire

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// A frame is a four-byte big-endian length (of what follows it), a kind byte, and a payload
// of varints, UUIDs and length-prefixed bytes. Each side's first frame is a hello with its
// version.
const (
	Version  = 3
	MaxFrame = 64 << 20 // bytes of the largest frame that a worker accepts
	Slack    = 2 << 10  // what a frame may contain besides events: ids, an owner, a message

	headBytes = 5   // length and kind
	maxReason = 512 // bytes of a fault's message
)

// Kind is the type of a frame and determines which of its fields are used.
type Kind byte

// The kinds of frame, with their sender and their fields.
const (
	KindHello  Kind = iota + 1 // both ways: version, largest event, largest frame
	KindBegin                  // worker: no, session, run, owner, takeover, silent, request
	KindAppend                 // worker: no, kind, fields
	KindClose                  // worker: no
	KindSince                  // worker: no, session, run, position, owner, whether not to wait, whether to peek
	KindCancel                 // worker: no
	KindDrop                   // worker: no, session
	KindDone                   // supervisor: no; the run has begun or ended, or the session was dropped
	KindFault                  // supervisor: no, code, message, run; request no failed, or run no is lost
	KindBatch                  // supervisor: no, batch
	KindOrphan                 // supervisor: session, run, owner, request; no is 0, since it answers no request
)

// Frame is a frame of any kind.
type Frame struct {
	Kind     Kind
	Version  byte
	MaxEvent uint64 // bytes of an event's Fields
	MaxFrame uint64 // bytes after the length
	No       uint64 // of a run or a request: chosen by the worker, never reused
	Session  uuid.UUID
	Run      uuid.UUID
	Owner    string
	Takeover bool
	Silent   bool
	Request  []byte
	After    study.Position
	NoWait   bool
	Peek     bool
	Event    study.Event
	Batch    study.Batch
	Fault    *study.Error
}

// AppendTo appends f, including its length and kind. Of an error, only the code, message, retry time and run are sent.
func (f *Frame) AppendTo(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(f.Kind))
	if f.Kind != KindHello {
		dst = binary.AppendUvarint(dst, f.No)
	}
	switch f.Kind {
	case KindHello:
		dst = append(dst, f.Version)
		dst = binary.AppendUvarint(dst, f.MaxEvent)
		dst = binary.AppendUvarint(dst, f.MaxFrame)
	case KindBegin:
		dst = append(append(dst, f.Session[:]...), f.Run[:]...)
		dst = appendBool(appendBool(appendBytes(dst, f.Owner), f.Takeover), f.Silent)
		dst = appendBytes(dst, f.Request)
	case KindAppend:
		dst = appendEvent(dst, f.Event)
	case KindSince:
		dst = appendPosition(append(append(dst, f.Session[:]...), f.Run[:]...), f.After)
		dst = appendBool(appendBool(appendBytes(dst, f.Owner), f.NoWait), f.Peek)
	case KindDrop:
		dst = append(dst, f.Session[:]...)
	case KindFault:
		dst = appendBytes(dst, string(f.Fault.Code))
		dst = appendBytes(dst, f.Fault.Message[:min(len(f.Fault.Message), maxReason)])
		dst = binary.AppendUvarint(dst, uint64(max(0, f.Fault.RetryAfter.Milliseconds())))
		dst = appendBytes(dst, f.Fault.Run)
	case KindBatch:
		dst = appendBatch(dst, f.Batch)
	case KindOrphan:
		dst = append(append(dst, f.Session[:]...), f.Run[:]...)
		dst = appendBytes(appendBytes(dst, f.Owner), f.Request)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

func appendBatch(dst []byte, b study.Batch) []byte {
	dst = binary.AppendUvarint(dst, b.Missed)
	dst = appendBytes(appendBool(appendPosition(dst, b.Next), b.Ended), b.Run)
	dst = binary.AppendUvarint(dst, uint64(len(b.Events)))
	for _, e := range b.Events {
		dst = binary.AppendUvarint(dst, e.Seq)
		dst = appendEvent(dst, e)
	}
	return dst
}

func appendEvent(dst []byte, e study.Event) []byte {
	dst = append(dst, byte(slices.Index(stream.Kinds, e.Kind)))
	return appendBytes(dst, e.Fields)
}

func appendPosition(dst []byte, p study.Position) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, p.Epoch), p.Seq)
}

func appendBytes[T ~string | ~[]byte](dst []byte, b T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// Read reads one frame with at most limit bytes after its length. The caller owns the
// payload. The end of the connection, even within a frame, is io.EOF.
func Read(r *bufio.Reader, limit uint64) (Kind, []byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, io.EOF
	}
	size := uint64(binary.BigEndian.Uint32(head[:]))
	if size == 0 || size > limit {
		return 0, nil, study.Errorf(study.CodeMalformed, "a relay frame of %d bytes, up to %d are allowed", size, limit)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, io.EOF
	}
	return Kind(body[0]), body[1:], nil
}

// ReadEach reads frames of at most limit bytes until one cannot be read or handled, and returns the error. unknown is
// called for each frame of a kind that this version does not know.
func ReadEach(r *bufio.Reader, limit uint64, unknown func(), handle func(*Frame) error) error {
	for {
		kind, body, err := Read(r, limit)
		if err != nil {
			return err
		}
		f, known, err := Parse(kind, body)
		if err != nil {
			return err
		}
		if !known {
			unknown()
			continue
		}
		if err := handle(&f); err != nil {
			return err
		}
	}
}

// Parse decodes a payload. Events, errors and requests alias it. known is false if this
// version does not know the kind.
func Parse(kind Kind, body []byte) (f Frame, known bool, err error) {
	p := &payload{rest: body}
	f.Kind = kind
	if kind != KindHello {
		f.No = p.number()
	}
	switch kind {
	case KindHello:
		if f.Version = p.byte(); f.Version != Version && !p.broken {
			return f, true, nil // a later version's hello may contain anything
		}
		f.MaxEvent, f.MaxFrame = p.number(), p.number()
	case KindBegin:
		f.Session, f.Run, f.Owner, f.Takeover, f.Silent, f.Request = p.uuid(), p.uuid(), string(p.bytes()), p.bool(), p.bool(), p.bytes()
	case KindAppend:
		f.Event = p.event()
	case KindSince:
		f.Session, f.Run, f.After, f.Owner, f.NoWait, f.Peek = p.uuid(), p.uuid(), p.position(), string(p.bytes()), p.bool(), p.bool()
	case KindDrop:
		f.Session = p.uuid()
	case KindFault:
		f.Fault = &study.Error{Code: study.Code(p.bytes()), Message: string(p.bytes())}
		f.Fault.RetryAfter = time.Duration(min(p.number(), uint64(time.Hour.Milliseconds()))) * time.Millisecond
		f.Fault.Run = string(p.bytes())
	case KindBatch:
		f.Batch = p.batch()
	case KindOrphan:
		f.Session, f.Run, f.Owner, f.Request = p.uuid(), p.uuid(), string(p.bytes()), p.bytes()
	case KindClose, KindCancel, KindDone:
	default:
		return f, false, nil
	}
	if p.broken || len(p.rest) > 0 {
		return f, true, study.Errorf(study.CodeMalformed, "a relay frame of kind %d does not parse", kind)
	}
	return f, true, nil
}

// payload is decoded from the front. Once something does not fit, it stays broken.
type payload struct {
	rest   []byte
	broken bool
}

func (p *payload) take(n uint64) []byte {
	if p.broken || n > uint64(len(p.rest)) {
		p.broken = true
		return nil
	}
	taken := p.rest[:n:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *payload) number() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 {
		p.broken = true
		return 0
	}
	p.take(uint64(n))
	return v
}

func (p *payload) byte() byte {
	if b := p.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (p *payload) bool() bool {
	b := p.byte()
	p.broken = p.broken || b > 1
	return b == 1
}

func (p *payload) bytes() []byte { return p.take(p.number()) }

func (p *payload) uuid() (id uuid.UUID) {
	copy(id[:], p.take(16))
	return id
}

func (p *payload) position() study.Position {
	return study.Position{Epoch: p.number(), Seq: p.number()}
}

func (p *payload) event() (e study.Event) {
	kind := int(p.byte())
	if kind >= len(stream.Kinds) {
		p.broken = true
		return e
	}
	e.Kind, e.Fields = stream.Kinds[kind], p.bytes()
	return e
}

func (p *payload) batch() (b study.Batch) {
	b.Missed, b.Next, b.Ended, b.Run = p.number(), p.position(), p.bool(), string(p.bytes())
	n := p.number()
	if n > uint64(len(p.rest))/3 { // 3 bytes is the smallest event, so n cannot exceed what was sent
		p.broken = true
		return b
	}
	for range n {
		seq := p.number()
		e := p.event()
		e.Seq = seq
		b.Events = append(b.Events, e)
	}
	return b
}
