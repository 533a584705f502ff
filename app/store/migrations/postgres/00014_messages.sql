-- +goose Up

-- A message needs one index beside its key, its place in the conversation.
ALTER TABLE messages DROP CONSTRAINT messages_session_id_id_key;
