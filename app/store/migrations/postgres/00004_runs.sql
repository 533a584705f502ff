-- +goose Up

-- A row is a run that process-stream has begun, with its request while it is under way. alive_at is when its worker was
-- last seen to work on it; outcome holds the fields of its terminal event. Ids are UUID v7: their order is that of time.
-- The row of any other run is its execution.
CREATE TABLE runs (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  session_id text COLLATE "C" NOT NULL,
  user_id    text   NOT NULL,
  type       text   NOT NULL,
  state      text   NOT NULL,
  worker     text   NOT NULL,
  request    bytea,
  outcome    bytea,
  started_at bigint NOT NULL,
  ended_at   bigint NOT NULL, -- 0 while it is under way
  alive_at   bigint NOT NULL
);
CREATE INDEX runs_by_session ON runs (session_id, id);
CREATE INDEX executions_by_run ON executions (run_id);
