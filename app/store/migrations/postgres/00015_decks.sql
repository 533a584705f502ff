-- +goose Up

-- A new deck writes few pages: new cards are found by their deck, and new decks are neighbours there, while each student's
-- place in an index by user is another page. cards_due holds the cards that were reviewed.
DROP INDEX cards_due;
DROP INDEX cards_by_user;
CREATE INDEX cards_due ON cards (user_id, state, due, content_id) WHERE state <> 0 AND NOT suspended;
CREATE INDEX cards_new ON cards (content_id, due) WHERE state = 0 AND NOT suspended;

-- One index of a user's aids, for all of them and for those of a type.
DROP INDEX contents_by_user;
DROP INDEX contents_by_time;
CREATE INDEX contents_by_user ON contents (user_id, id, type);
