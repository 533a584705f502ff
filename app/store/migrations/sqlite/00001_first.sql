-- Times are integer microseconds since 1970, UTC. Ids are UUIDs as text, lower case.

-- +goose Up

-- "stud": tells our files from another application's.
PRAGMA application_id = 0x73747564;

-- owner is user_id as one word of letters and digits, so that the index can hold it.
CREATE TABLE notes (
  num        INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  user_id    TEXT    NOT NULL,
  title      TEXT    NOT NULL,
  content    TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  owner      TEXT    GENERATED ALWAYS AS (hex(user_id)) VIRTUAL
) STRICT;
CREATE INDEX notes_by_user ON notes (user_id, id);

-- The index keeps no copy of the text. Every match names its owner, so that a search
-- walks one user's notes and not everyone's; the owner's weight in the rank is 0.
CREATE VIRTUAL TABLE notes_fts USING fts5 (
  title, content, owner,
  content = 'notes', content_rowid = 'num',
  tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO notes_fts (notes_fts, rank) VALUES ('rank', 'bm25(4.0, 1.0, 0.0)');

-- +goose StatementBegin
CREATE TRIGGER notes_inserted AFTER INSERT ON notes BEGIN
  INSERT INTO notes_fts (rowid, title, content, owner)
  VALUES (new.num, new.title, new.content, new.owner);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
  INSERT INTO notes_fts (notes_fts, rowid, title, content, owner)
  VALUES ('delete', old.num, old.title, old.content, old.owner);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER notes_updated AFTER UPDATE OF title, content ON notes BEGIN
  INSERT INTO notes_fts (notes_fts, rowid, title, content, owner)
  VALUES ('delete', old.num, old.title, old.content, old.owner);
  INSERT INTO notes_fts (rowid, title, content, owner)
  VALUES (new.num, new.title, new.content, new.owner);
END;
-- +goose StatementEnd

CREATE TABLE sessions (
  id         TEXT    NOT NULL PRIMARY KEY,
  user_id    TEXT    NOT NULL,
  title      TEXT    NOT NULL,
  messages   INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id, updated_at);

-- num is the order of a conversation, whatever the clocks said.
CREATE TABLE messages (
  num        INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  id         TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  content    TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (session_id, id)
) STRICT;
CREATE INDEX messages_in_order ON messages (session_id, num);

CREATE TABLE contents (
  id         TEXT    NOT NULL PRIMARY KEY,
  user_id    TEXT    NOT NULL,
  session_id TEXT    NOT NULL,
  type       TEXT    NOT NULL,
  title      TEXT    NOT NULL,
  data       BLOB    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX contents_by_user ON contents (user_id, type, id);

CREATE TABLE feedback (
  content_id TEXT    NOT NULL PRIMARY KEY REFERENCES contents (id) ON DELETE CASCADE,
  rating     INTEGER NOT NULL,
  text       TEXT    NOT NULL,
  issues     TEXT    NOT NULL, -- a JSON array
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE executions (
  num        INTEGER PRIMARY KEY,
  run_id     TEXT    NOT NULL,
  user_id    TEXT    NOT NULL,
  session_id TEXT    NOT NULL,
  type       TEXT    NOT NULL,
  success    INTEGER NOT NULL,
  error_code TEXT    NOT NULL,
  millis     INTEGER NOT NULL,
  tokens     INTEGER NOT NULL,
  model      TEXT    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX executions_by_time ON executions (created_at);
CREATE INDEX executions_by_user ON executions (user_id, created_at);
CREATE INDEX executions_failed ON executions (created_at) WHERE success = 0;
