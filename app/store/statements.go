package store

import (
	"context"
	"database/sql/driver"
	"strings"

	modernc "modernc.org/sqlite"
)

// maxStatements bounds the prepared statements of one connection; our queries are constants, and fewer.
const maxStatements = 64

// connector opens connections that keep statements prepared: SQLite takes longer to parse most of our queries than to run
// them.
type connector struct{ dsn string }

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return &preparing{connection: opened.(connection), kept: map[string]statement{}}, nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return &modernc.Driver{} }

// connection is the part of the driver's connections that database/sql uses.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// preparing is a connection that prepares each query once. database/sql uses a connection from one goroutine at a time,
// and we never run a query again while its rows are being read.
type preparing struct {
	connection
	kept map[string]statement
}

// ExecContext implements driver.ExecerContext.
func (p *preparing) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !p.keeps(query) {
		return p.connection.ExecContext(ctx, query, args)
	}
	s, err := p.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (p *preparing) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !p.keeps(query) {
		return p.connection.QueryContext(ctx, query, args)
	}
	s, err := p.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args)
}

// keeps reports whether a query stays prepared. A pragma does not, because preparing it may already have an effect.
func (p *preparing) keeps(query string) bool {
	return !strings.HasPrefix(query, "PRAGMA") && (p.kept[query] != nil || len(p.kept) < maxStatements)
}

func (p *preparing) prepared(ctx context.Context, query string) (statement, error) {
	if s := p.kept[query]; s != nil {
		return s, nil
	}
	made, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := made.(statement)
	p.kept[query] = s
	return s, nil
}

// Close implements driver.Conn.
func (p *preparing) Close() error {
	for _, s := range p.kept {
		_ = s.Close() // the connection reports any error
	}
	clear(p.kept)
	return p.connection.Close()
}
