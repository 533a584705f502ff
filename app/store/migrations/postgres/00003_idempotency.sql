-- +goose Up

-- What writes with an Idempotency-Key were answered with. status is 0 while the first request is under way; then claim
-- names its holder, and leased_until is when it is taken for dead. bytes is what the row counts for its user.
CREATE TABLE idempotency (
  user_id      text COLLATE "C" NOT NULL,
  key          text COLLATE "C" NOT NULL,
  fingerprint  text   NOT NULL,
  claim        text   NOT NULL,
  leased_until bigint NOT NULL,
  created_at   bigint NOT NULL,
  status       bigint NOT NULL DEFAULT 0,
  content_type text   NOT NULL DEFAULT '',
  location     text   NOT NULL DEFAULT '',
  body         bytea,
  cut          boolean NOT NULL DEFAULT false,
  bytes        bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);
CREATE INDEX idempotency_by_user ON idempotency (user_id, created_at, key, bytes);
