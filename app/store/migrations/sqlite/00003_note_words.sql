-- +goose Up

DROP TRIGGER notes_inserted;
DROP TRIGGER notes_deleted;
DROP TRIGGER notes_updated;
DROP TABLE notes_fts;

-- The words of a note as the service parts and folds them, each behind ten letters that name the note's owner: what
-- a search costs depends on the user's own notes only. The tokenizer has nothing left to do but part them at spaces.
-- The next migration fills it.
CREATE VIRTUAL TABLE note_words USING fts5 (
  title, content,
  content = '', contentless_delete = 1,
  tokenize = 'ascii'
);
INSERT INTO note_words (note_words, rank) VALUES ('rank', 'bm25(4.0, 1.0)');

-- +goose StatementBegin
CREATE TRIGGER notes_deleted AFTER DELETE ON notes BEGIN
  DELETE FROM note_words WHERE rowid = old.num;
END;
-- +goose StatementEnd

ALTER TABLE notes DROP COLUMN owner;
