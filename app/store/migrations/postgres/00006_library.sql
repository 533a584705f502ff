-- +goose Up

ALTER TABLE notes ADD COLUMN subject text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE notes ADD COLUMN tags text NOT NULL DEFAULT '[]'; -- a JSON array

-- notes is a JSON array of the ids of the notes that the aid was made from. items counts its items. words are those of
-- its texts as searches fold them, each between spaces. The next migration fills these for what is kept already.
ALTER TABLE contents ADD COLUMN subject text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE contents ADD COLUMN notes text NOT NULL DEFAULT '[]';
ALTER TABLE contents ADD COLUMN model text NOT NULL DEFAULT '';
ALTER TABLE contents ADD COLUMN items bigint NOT NULL DEFAULT 0;
ALTER TABLE contents ADD COLUMN words text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE contents ADD COLUMN updated_at bigint NOT NULL DEFAULT 0;
CREATE INDEX contents_by_time ON contents (user_id, id);

-- A row is a flashcard of a deck (data is the item of the deck's JSON), and what FSRS remembers of it. due of a new card
-- is when it joined, so that new cards come in the order of their decks.
CREATE TABLE cards (
  id             text COLLATE "C" NOT NULL PRIMARY KEY,
  content_id     text COLLATE "C" NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
  item_id        text COLLATE "C" NOT NULL,
  user_id        text COLLATE "C" NOT NULL,
  data           bytea   NOT NULL,
  suspended      boolean NOT NULL DEFAULT false,
  state          bigint  NOT NULL DEFAULT 0, -- 0 new, 1 learning, 2 review, 3 relearning
  due            bigint  NOT NULL,
  stability      double precision NOT NULL DEFAULT 0,
  difficulty     double precision NOT NULL DEFAULT 0,
  elapsed_days   bigint  NOT NULL DEFAULT 0,
  scheduled_days bigint  NOT NULL DEFAULT 0,
  reps           bigint  NOT NULL DEFAULT 0,
  lapses         bigint  NOT NULL DEFAULT 0,
  reviewed_at    bigint  NOT NULL DEFAULT 0, -- 0: never
  UNIQUE (content_id, item_id)
);
CREATE INDEX cards_due ON cards (user_id, state, due, content_id) WHERE NOT suspended;
CREATE INDEX cards_by_user ON cards (user_id, content_id);

-- A review outlives its card, for the statistics. state is the card's before it; earlier and later are JSON of what FSRS
-- remembered before and after it.
CREATE TABLE reviews (
  user_id     text COLLATE "C" NOT NULL,
  id          text COLLATE "C" NOT NULL,
  card_id     text COLLATE "C" NOT NULL,
  rating      bigint  NOT NULL,
  state       bigint  NOT NULL,
  reviewed_at bigint  NOT NULL,
  millis      bigint  NOT NULL,
  earlier     text    NOT NULL,
  later       text    NOT NULL,
  PRIMARY KEY (user_id, id)
);
CREATE INDEX reviews_by_time ON reviews (user_id, reviewed_at, state, rating);

CREATE TABLE review_settings (
  user_id            text COLLATE "C" NOT NULL PRIMARY KEY,
  desired_retention  double precision NOT NULL,
  new_per_day        bigint  NOT NULL,
  utc_offset_minutes bigint  NOT NULL,
  updated_at         bigint  NOT NULL
);

-- data is the graded answers as JSON; topics is a JSON object of each topic's points, got and possible.
CREATE TABLE attempts (
  content_id text COLLATE "C" NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
  n          bigint  NOT NULL, -- from 1
  user_id    text COLLATE "C" NOT NULL,
  data       bytea   NOT NULL,
  topics     text    NOT NULL,
  created_at bigint  NOT NULL,
  PRIMARY KEY (content_id, n)
);
CREATE INDEX attempts_by_user ON attempts (user_id, created_at);
