package store

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"studysharper/app/study"
)

const (
	pgConnections = 4                      // per process, unless the url has pool_max_conns
	pgConnectWait = 3 * time.Second        // for one address, unless the url has connect_timeout
	pgCancelWait  = 500 * time.Millisecond // for the server to cancel a statement
	pgRollback    = time.Second            // for the rollback of a failed transaction
	pgRetries     = 3                      // retries of a transaction that lost against another one
)

// postgres is the engine for PostgreSQL.
type postgres struct {
	patience
	pool  *pgxpool.Pool
	begin pgx.TxOptions
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// pgConfig parses the url, and the settings that libpq also reads (PGPASSWORD, PGSSLROOTCERT …). An error repeats nothing
// of the url.
func pgConfig(url string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, study.Errorf(study.CodeInvalid, "DATABASE_URL: cannot be read as postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…")
	}
	if !strings.Contains(url, "pool_max_conns=") {
		c.MaxConns = pgConnections
	}
	if !strings.Contains(url, "connect_timeout=") {
		c.ConnConfig.ConnectTimeout = pgConnectWait
	}
	if _, named := c.ConnConfig.RuntimeParams["application_name"]; !named {
		c.ConnConfig.RuntimeParams["application_name"] = "studysharper"
	}
	c.MaxConnIdleTime = idleCloses
	// Unnamed statements, because a proxy such as PgBouncer may run each transaction on another connection, which does
	// not know this one's named statements.
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	// A call that ends early must cancel its statement, which would otherwise wait for its lock and write after the
	// caller has given up.
	c.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: pgCancelWait}
	}
	return c, nil
}

func openPostgres(ctx context.Context, url string, o Options) (*postgres, error) {
	c, err := pgConfig(url)
	if err != nil {
		return nil, err
	}
	if err := checkPostgres(ctx, c.ConnConfig); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), c)
	if err != nil {
		return nil, wrapPostgres(err)
	}
	p := &postgres{pool: pool, begin: pgx.TxOptions{BeginQuery: pgBegin(o.BusyTimeout)}}
	p.patience = patience{busy: o.BusyTimeout, wrap: p.wrapLost}
	return p, nil
}

func (*postgres) size() string {
	return "SELECT pg_database_size(current_database())"
}

func (p *postgres) close() error {
	p.closed.Store(true)
	p.pool.Close()
	return nil
}

func (p *postgres) change(ctx context.Context, f func(context.Context, tx) error) error {
	wait, cancel := p.bounded(ctx)
	defer cancel()
	for try := 0; ; try++ {
		err := p.transact(wait, f)
		if try == pgRetries || wait.Err() != nil || !lostToAnother(err) {
			return p.fail(wait, err)
		}
	}
}

func (p *postgres) transact(ctx context.Context, f func(context.Context, tx) error) error {
	begun, err := p.pool.BeginTx(ctx, p.begin)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pgRollback)
		defer cancel()
		_ = begun.Rollback(end) // a no-op after Commit; a broken connection is dropped
	}()
	if err := f(ctx, postgresTx{begun}); err != nil {
		return err
	}
	return begun.Commit(ctx)
}

func (p *postgres) query(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error {
	wait, cancel := p.bounded(ctx)
	defer cancel()
	rows, err := p.pool.Query(wait, query, args...)
	if err != nil {
		return p.fail(wait, err)
	}
	defer rows.Close()
	return p.fail(wait, takeRows(rows, take))
}

type postgresTx struct{ tx pgx.Tx }

func (t postgresTx) exec(ctx context.Context, query string, each ...[]any) (rows int64, err error) {
	if len(each) == 1 {
		tag, err := t.tx.Exec(ctx, query, each[0]...)
		return tag.RowsAffected(), err
	}
	var batch pgx.Batch
	for _, args := range each {
		batch.Queue(query, args...).Exec(func(tag pgconn.CommandTag) error {
			rows += tag.RowsAffected()
			return nil
		})
	}
	return rows, t.tx.SendBatch(ctx, &batch).Close()
}

func (t postgresTx) row(ctx context.Context, query string, args ...any) scanner {
	return t.tx.QueryRow(ctx, query, args...)
}

func (t postgresTx) rows(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error {
	rows, err := t.tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return takeRows(rows, take)
}
