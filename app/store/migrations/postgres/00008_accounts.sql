-- +goose Up

-- What this service signs with, made once and the same for all its processes.
CREATE TABLE secrets (
  name  text COLLATE "C" PRIMARY KEY,
  value bytea NOT NULL
);

-- code is the hash of the study code that opens the account; the code itself is not kept.
CREATE TABLE accounts (
  user_id    text COLLATE "C" PRIMARY KEY,
  code       bytea  NOT NULL UNIQUE,
  created_at bigint NOT NULL,
  code_at    bigint NOT NULL -- when the code was made
);

-- A device is a browser that holds the cookie of an account.
CREATE TABLE devices (
  id         text COLLATE "C" PRIMARY KEY,
  user_id    text COLLATE "C" NOT NULL REFERENCES accounts (user_id) ON DELETE CASCADE,
  name       text   NOT NULL,
  created_at bigint NOT NULL,
  seen_at    bigint NOT NULL -- to the day
);
CREATE INDEX devices_by_user ON devices (user_id, seen_at, id);
CREATE INDEX devices_by_time ON devices (seen_at);
