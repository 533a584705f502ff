-- +goose Up

DROP TRIGGER notes_deleted;
DROP TABLE note_words;

-- Of a note that is not indexed yet nothing is found. Those that are here already are indexed after the start.
ALTER TABLE notes ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX notes_to_index ON notes (num) WHERE indexed = 0;

-- num is 4096 times the number of the note, and the place of the passage in it. begins and ends are code points of the
-- note's content, words is how many the passage has, counts how often it has each of them.
CREATE TABLE passages (
  num      INTEGER PRIMARY KEY,
  begins   INTEGER NOT NULL,
  ends     INTEGER NOT NULL,
  section  TEXT    NOT NULL,
  page     INTEGER NOT NULL,
  language INTEGER NOT NULL,
  words    INTEGER NOT NULL,
  counts   BLOB    NOT NULL
) STRICT;

-- The terms of passages as the service makes them, each after ten letters that name the owner: what a search costs
-- depends on the user's own notes only. The tokenizer has nothing left to do but part them at spaces.
CREATE VIRTUAL TABLE passage_words USING fts5 (
  words,
  content = '', contentless_delete = 1, columnsize = 1, detail = none,
  tokenize = "ascii tokenchars '.,'"
);

-- +goose StatementBegin
CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
  DELETE FROM passage_words WHERE rowid IN (SELECT num FROM passages WHERE num >= old.num * 4096 AND num < (old.num + 1) * 4096);
  DELETE FROM passages WHERE num >= old.num * 4096 AND num < (old.num + 1) * 4096;
END;
-- +goose StatementEnd
