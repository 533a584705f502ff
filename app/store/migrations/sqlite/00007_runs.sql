-- +goose Up

-- A row is a run that process-stream has begun, with its request while it is under way. alive_at is when its worker was
-- last seen to work on it; outcome holds the fields of its terminal event. Ids are UUID v7: their order is that of time.
-- The row of any other run is its execution.
CREATE TABLE runs (
  id         TEXT    NOT NULL PRIMARY KEY,
  session_id TEXT    NOT NULL,
  user_id    TEXT    NOT NULL,
  type       TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  worker     TEXT    NOT NULL,
  request    BLOB,
  outcome    BLOB,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL, -- 0 while it is under way
  alive_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_session ON runs (session_id, id);
CREATE INDEX executions_by_run ON executions (run_id);
