-- +goose Up

DROP TABLE note_words;

-- Of a note that is not indexed yet nothing is found. Those that are here already are indexed after the start.
ALTER TABLE notes ADD COLUMN num bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN indexed integer NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX notes_by_num ON notes (num);
CREATE INDEX notes_to_index ON notes (num) WHERE indexed = 0;

-- num is 4096 times the number of the note, and the place of the passage in it. begins and ends are code points of the
-- note's content, words is how many the passage has, counts how often it has each of them. The owner is in the
-- same index as the terms, so that a search walks one user's notes and not everyone's.
CREATE TABLE passages (
  num      bigint PRIMARY KEY,
  begins   integer NOT NULL,
  ends     integer NOT NULL,
  section  text    NOT NULL,
  page     integer NOT NULL,
  language integer NOT NULL,
  words    integer NOT NULL,
  counts   bytea   NOT NULL,
  user_id  text COLLATE "C" NOT NULL,
  terms    tsvector NOT NULL
);
CREATE INDEX passages_found ON passages USING gin ((ARRAY[user_id]), terms) WITH (fastupdate = off);

-- +goose StatementBegin
CREATE FUNCTION forget_passages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM passages WHERE num >= old.num * 4096 AND num < (old.num + 1) * 4096;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER notes_deleted AFTER DELETE ON notes FOR EACH ROW EXECUTE FUNCTION forget_passages();
