-- +goose Up

-- What a conversation is about: the notes that were named in it last (a JSON array of their ids), and the text given.
CREATE TABLE session_sources (
  session_id text COLLATE "C" PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  note_ids   text NOT NULL,
  content    text NOT NULL
);
