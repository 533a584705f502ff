-- +goose Up

-- What the executions of an hour (hours since 1970, UTC) add up to, so that totals do not read every execution.
CREATE TABLE execution_hours (
  hour   bigint NOT NULL,
  type   text   NOT NULL,
  model  text   NOT NULL,
  n      bigint NOT NULL,
  ok     bigint NOT NULL,
  millis bigint NOT NULL,
  tokens bigint NOT NULL,
  cost   double precision NOT NULL,
  PRIMARY KEY (hour, type, model)
);
INSERT INTO execution_hours (hour, type, model, n, ok, millis, tokens, cost)
SELECT created_at / 3600000000, type, model, count(*), count(*) FILTER (WHERE success), CAST(sum(millis) AS BIGINT), CAST(sum(tokens) AS BIGINT), sum(cost)
FROM executions GROUP BY 1, 2, 3;
