-- The tables of SQLite's schema, so that both run the same statements. Times are integer microseconds since 1970,
-- UTC. Ids are UUIDs as text, lower case; everything compares by bytes, whatever the database's locale.

-- +goose Up

CREATE TABLE notes (
  id         text COLLATE "C" PRIMARY KEY,
  user_id    text COLLATE "C" NOT NULL,
  title      text   NOT NULL,
  content    text   NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE INDEX notes_by_user ON notes (user_id, id);

-- The words of a note as the service parts and folds them: the database's own parser depends on its locale. The
-- owner stands in the same index, so that a search walks one user's notes and not everyone's.
CREATE TABLE note_words (
  id      text COLLATE "C" PRIMARY KEY REFERENCES notes (id) ON DELETE CASCADE,
  user_id text COLLATE "C" NOT NULL,
  words   tsvector NOT NULL
);
CREATE INDEX note_words_found ON note_words USING gin ((ARRAY[user_id]), words) WITH (fastupdate = off);

CREATE TABLE sessions (
  id         text COLLATE "C" PRIMARY KEY,
  user_id    text COLLATE "C" NOT NULL,
  title      text   NOT NULL,
  messages   bigint NOT NULL DEFAULT 0,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, updated_at, id);

-- num is the order of a conversation, whatever the clocks said.
CREATE TABLE messages (
  num        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id text COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  id         text COLLATE "C" NOT NULL,
  role       text   NOT NULL,
  content    text   NOT NULL,
  created_at bigint NOT NULL,
  UNIQUE (session_id, id)
);
CREATE INDEX messages_in_order ON messages (session_id, num);

CREATE TABLE contents (
  id         text COLLATE "C" PRIMARY KEY,
  user_id    text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  type       text   NOT NULL,
  title      text   NOT NULL,
  data       bytea  NOT NULL,
  created_at bigint NOT NULL
);
CREATE INDEX contents_by_user ON contents (user_id, type, id);

CREATE TABLE feedback (
  content_id text COLLATE "C" PRIMARY KEY REFERENCES contents (id) ON DELETE CASCADE,
  rating     integer NOT NULL,
  text       text    NOT NULL,
  issues     text    NOT NULL, -- a JSON array
  created_at bigint  NOT NULL
);

CREATE TABLE preferences (
  user_id    text COLLATE "C" PRIMARY KEY,
  difficulty text   NOT NULL,
  detail     text   NOT NULL,
  updated_at bigint NOT NULL
);

CREATE TABLE executions (
  num        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id     text    NOT NULL,
  user_id    text COLLATE "C" NOT NULL,
  session_id text    NOT NULL,
  type       text    NOT NULL,
  success    boolean NOT NULL,
  error_code text    NOT NULL,
  millis     bigint  NOT NULL,
  tokens     bigint  NOT NULL,
  model      text    NOT NULL,
  created_at bigint  NOT NULL
);
CREATE INDEX executions_by_time ON executions (created_at);
CREATE INDEX executions_by_user ON executions (user_id, created_at, num);
CREATE INDEX executions_failed ON executions (created_at, num) WHERE NOT success;
