-- +goose Up

-- What writes with an Idempotency-Key were answered with. status is 0 while the first request is under way; then claim
-- names its holder, and leased_until is when it is taken for dead. bytes is what the row counts for its user.
CREATE TABLE idempotency (
  user_id      TEXT    NOT NULL,
  key          TEXT    NOT NULL,
  fingerprint  TEXT    NOT NULL,
  claim        TEXT    NOT NULL,
  leased_until INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  status       INTEGER NOT NULL DEFAULT 0,
  content_type TEXT    NOT NULL DEFAULT '',
  location     TEXT    NOT NULL DEFAULT '',
  body         BLOB,
  cut          INTEGER NOT NULL DEFAULT 0,
  bytes        INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (user_id, key)
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (created_at);
CREATE INDEX idempotency_by_user ON idempotency (user_id, created_at, key, bytes);
