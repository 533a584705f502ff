-- +goose Up

-- answer names the answer that a content was made from, the same for each request that got it: it is kept once a user.
ALTER TABLE contents ADD COLUMN answer text COLLATE "C" NOT NULL DEFAULT '';
CREATE UNIQUE INDEX contents_by_answer ON contents (user_id, answer) WHERE answer <> '';
