-- +goose Up

-- What a run's calls cost, as the upstream tells it; 0 where it does not.
ALTER TABLE executions ADD COLUMN cost REAL NOT NULL DEFAULT 0;

-- The passages that an answer in a conversation quotes: a JSON list of sources, or nothing.
ALTER TABLE messages ADD COLUMN citations TEXT NOT NULL DEFAULT '';
