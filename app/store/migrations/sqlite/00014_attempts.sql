-- +goose Up

-- Attempts count among the bytes that are kept of a user, as runs do. Until this version nothing wrote any.
-- +goose StatementBegin
CREATE TRIGGER usage_attempt_inserted AFTER INSERT ON attempts BEGIN
  INSERT INTO usage VALUES (new.user_id, 0, 0, octet_length(new.data) + octet_length(new.topics))
  ON CONFLICT (user_id) DO UPDATE SET others = others + excluded.others;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_attempt_updated AFTER UPDATE OF data, topics ON attempts BEGIN
  UPDATE usage SET others = others + octet_length(new.data) + octet_length(new.topics) - octet_length(old.data) - octet_length(old.topics)
  WHERE user_id = new.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_attempt_deleted AFTER DELETE ON attempts BEGIN
  UPDATE usage SET others = others - octet_length(old.data) - octet_length(old.topics) WHERE user_id = old.user_id;
END;
-- +goose StatementEnd
