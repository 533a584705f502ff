-- +goose Up

-- What this service signs with, made once and the same for all its processes.
CREATE TABLE secrets (
  name  TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- code is the hash of the study code that opens the account; the code itself is not kept.
CREATE TABLE accounts (
  user_id    TEXT    NOT NULL PRIMARY KEY,
  code       BLOB    NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  code_at    INTEGER NOT NULL -- when the code was made
) STRICT, WITHOUT ROWID;

-- A device is a browser that holds the cookie of an account.
CREATE TABLE devices (
  id         TEXT    NOT NULL PRIMARY KEY,
  user_id    TEXT    NOT NULL REFERENCES accounts (user_id) ON DELETE CASCADE,
  name       TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL -- to the day
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_user ON devices (user_id, seen_at, id);
CREATE INDEX devices_by_time ON devices (seen_at);
