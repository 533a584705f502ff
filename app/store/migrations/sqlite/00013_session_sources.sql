-- +goose Up

-- What a conversation is about: the notes that were named in it last (a JSON array of their ids), and the text given.
CREATE TABLE session_sources (
  session_id TEXT NOT NULL PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  note_ids   TEXT NOT NULL,
  content    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
