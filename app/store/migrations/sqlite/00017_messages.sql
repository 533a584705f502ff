-- +goose Up

-- A message needs one index, its place in the conversation. The order of its id within the session is not asked for: whether
-- an id is there already is only asked for messages that may be saved again, among those of their session.
CREATE TABLE ordered_messages (
  num        INTEGER PRIMARY KEY,
  session_id TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  id         TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  content    TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  citations  TEXT    NOT NULL DEFAULT ''
) STRICT;
INSERT INTO ordered_messages SELECT num, session_id, id, role, content, created_at, citations FROM messages ORDER BY num;
DROP TABLE messages;
ALTER TABLE ordered_messages RENAME TO messages;
CREATE INDEX messages_in_order ON messages (session_id, num);
