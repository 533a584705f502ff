-- +goose Up

ALTER TABLE notes ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE notes ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'; -- a JSON array

-- notes is a JSON array of the ids of the notes that the aid was made from. items counts its items. words are those of
-- its texts as searches fold them, each between spaces. The next migration fills these for what is kept already.
ALTER TABLE contents ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE contents ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE contents ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE contents ADD COLUMN items INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contents ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE contents ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX contents_by_time ON contents (user_id, id);

-- A row is a flashcard of a deck (data is the item of the deck's JSON), and what FSRS remembers of it. due of a new card
-- is when it joined, so that new cards come in the order of their decks.
CREATE TABLE cards (
  id             TEXT    NOT NULL PRIMARY KEY,
  content_id     TEXT    NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
  item_id        TEXT    NOT NULL,
  user_id        TEXT    NOT NULL,
  data           BLOB    NOT NULL,
  suspended      INTEGER NOT NULL DEFAULT 0,
  state          INTEGER NOT NULL DEFAULT 0, -- 0 new, 1 learning, 2 review, 3 relearning
  due            INTEGER NOT NULL,
  stability      REAL    NOT NULL DEFAULT 0,
  difficulty     REAL    NOT NULL DEFAULT 0,
  elapsed_days   INTEGER NOT NULL DEFAULT 0,
  scheduled_days INTEGER NOT NULL DEFAULT 0,
  reps           INTEGER NOT NULL DEFAULT 0,
  lapses         INTEGER NOT NULL DEFAULT 0,
  reviewed_at    INTEGER NOT NULL DEFAULT 0, -- 0: never
  UNIQUE (content_id, item_id)
) STRICT;
CREATE INDEX cards_due ON cards (user_id, state, due, content_id) WHERE NOT suspended;
CREATE INDEX cards_by_user ON cards (user_id, content_id);

-- A review outlives its card, for the statistics. state is the card's before it; earlier and later are JSON of what FSRS
-- remembered before and after it.
CREATE TABLE reviews (
  user_id     TEXT    NOT NULL,
  id          TEXT    NOT NULL,
  card_id     TEXT    NOT NULL,
  rating      INTEGER NOT NULL,
  state       INTEGER NOT NULL,
  reviewed_at INTEGER NOT NULL,
  millis      INTEGER NOT NULL,
  earlier     TEXT    NOT NULL,
  later       TEXT    NOT NULL,
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reviews_by_time ON reviews (user_id, reviewed_at, state, rating);

CREATE TABLE review_settings (
  user_id            TEXT    NOT NULL PRIMARY KEY,
  desired_retention  REAL    NOT NULL,
  new_per_day        INTEGER NOT NULL,
  utc_offset_minutes INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- data is the graded answers as JSON; topics is a JSON object of each topic's points, got and possible.
CREATE TABLE attempts (
  content_id TEXT    NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
  n          INTEGER NOT NULL, -- from 1
  user_id    TEXT    NOT NULL,
  data       BLOB    NOT NULL,
  topics     TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (content_id, n)
) STRICT;
CREATE INDEX attempts_by_user ON attempts (user_id, created_at);
