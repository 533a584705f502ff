package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"studysharper/app/study"
)

// pgBegin begins a transaction with timeouts on the server: its locks and statements end even if this process is
// stopped or dies. They are set in the same round trip, because that is the only way that works through a proxy.
func pgBegin(busy time.Duration) string {
	ms := max(busy.Milliseconds(), 1)
	return fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d; "+
		"SET LOCAL idle_in_transaction_session_timeout = %d", ms, ms, ms)
}

// wrapLost is wrapPostgres for the pool. If one connection is lost, it drops the idle ones too, each of which would fail
// one call.
func (p *postgres) wrapLost(err error) error {
	if pgState(err) == "" || strings.HasPrefix(pgState(err), "57P") {
		p.pool.Reset()
	}
	return wrapPostgres(err)
}

// wrapPostgres gives an error of PostgreSQL, or of the connection to it, a code. The cause keeps only the SQLSTATE: the
// server repeats values of the statement, and the driver the address it connects to.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func wrapPostgres(err error) error {
	if _, ours := errors.AsType[*study.Error](err); err == nil || ours {
		return err
	}
	for _, known := range pgWords {
		if state := pgState(err); state != "" && strings.HasPrefix(state, known.state) {
			return study.Wrap(redact(err), study.CodeUnavailable, known.words)
		}
	}
	if _, mistaken := errors.AsType[pgx.ScanArgError](err); mistaken || pgState(err) != "" {
		return study.Wrap(redact(err), study.CodeInternal, "the database rejected the request")
	}
	return study.Wrap(redact(err), study.CodeUnavailable, "the database cannot be reached")
}

// pgWords are the messages for SQLSTATEs, or prefixes of them; the first match counts.
var pgWords = []struct{ state, words string }{
	{"55P03", "the database is busy"}, // lock_timeout
	{"57014", "the database is busy"}, // statement_timeout
	{"25P03", "the database is busy"}, // idle_in_transaction_session_timeout
	{"40", "the database is busy"},    // lost to other transactions repeatedly
	{"53100", "the disk is full"},
	{"53300", "the database takes no more connections"},
	{"53", "the database has no room"},
	{"57P", "the database cannot be reached"}, // it is stopping or starting
	{"08", "the database cannot be reached"},
	{"28", "the database refuses the user or the password"},
	{"3D000", "the database does not exist"},
	{"25006", "the database can only be read"}, // a standby
	{"42501", "the database refuses the user what it needs"},
	{"XX00", "the database is damaged"},
	{"58", "the database cannot be used"},
}

// pgState is the SQLSTATE of an error; "" if the server did not send it.
func pgState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// lostToAnother reports a transaction worth another try: it was rolled back because of a deadlock, or because it could
// not be serialised.
func lostToAnother(err error) bool {
	state := pgState(err)
	return state == "40P01" || state == "40001"
}

// redact reduces an error to what may be logged. errors.Is still finds context.Canceled, context.DeadlineExceeded and
// sql.ErrNoRows.
func redact(err error) error {
	if state := pgState(err); state != "" {
		return errors.New("SQLSTATE " + state)
	}
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, sql.ErrNoRows} {
		if errors.Is(err, known) {
			return known
		}
	}
	if _, unknown := errors.AsType[*net.DNSError](err); unknown {
		return errors.New("the host is not known")
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return errors.New("the server's certificate is not trusted")
	}
	if strings.Contains(err.Error(), "refused TLS") {
		return errors.New("the server does not speak TLS; sslmode asks for it")
	}
	return errors.New("the connection failed")
}
