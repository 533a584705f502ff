-- +goose Up

-- A row is a run. A streamed run has one from its beginning, with its request while it is under way; alive_at is when its
-- worker was last seen to work on it. Any other run has a row from its end. outcome holds the fields of the run's
-- terminal event. Ids are UUID v7: their order is that of time.
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
