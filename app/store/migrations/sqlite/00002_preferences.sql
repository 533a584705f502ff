-- +goose Up

CREATE TABLE preferences (
  user_id    TEXT    NOT NULL PRIMARY KEY,
  difficulty TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The condition as queries write it, for every database alike.
DROP INDEX executions_failed;
CREATE INDEX executions_failed ON executions (created_at) WHERE NOT success;
