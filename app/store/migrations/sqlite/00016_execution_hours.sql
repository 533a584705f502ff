-- +goose Up

-- What the executions of an hour (hours since 1970, UTC) add up to, so that totals do not read every execution.
CREATE TABLE execution_hours (
  hour   INTEGER NOT NULL,
  type   TEXT    NOT NULL,
  model  TEXT    NOT NULL,
  n      INTEGER NOT NULL,
  ok     INTEGER NOT NULL,
  millis INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  cost   REAL    NOT NULL,
  PRIMARY KEY (hour, type, model)
) STRICT, WITHOUT ROWID;
INSERT INTO execution_hours (hour, type, model, n, ok, millis, tokens, cost)
SELECT created_at / 3600000000, type, model, count(*), count(*) FILTER (WHERE success), sum(millis), sum(tokens), sum(cost)
FROM executions GROUP BY 1, 2, 3;
