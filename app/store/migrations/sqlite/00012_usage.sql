-- +goose Up

-- Tokens that the upstream counted on a day (days since 1970, UTC): of each user, and of all ('').
CREATE TABLE tokens (
  day     INTEGER NOT NULL,
  user_id TEXT    NOT NULL,
  tokens  INTEGER NOT NULL,
  PRIMARY KEY (day, user_id)
) STRICT, WITHOUT ROWID;

-- What is kept of a user: items (notes, study aids, conversations), bytes of the notes, and of all else. Triggers keep it
-- up to date, whatever writes.
CREATE TABLE usage (
  user_id TEXT    NOT NULL PRIMARY KEY,
  items   INTEGER NOT NULL,
  notes   INTEGER NOT NULL,
  others  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE sessions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0; -- of the messages

UPDATE sessions SET bytes = (SELECT coalesce(sum(octet_length(content)), 0) FROM messages WHERE session_id = sessions.id);
INSERT INTO usage (user_id, items, notes, others)
SELECT user_id, sum(items), sum(notes), sum(others) FROM (
  SELECT user_id, 1 AS items, octet_length(title) + octet_length(content) AS notes, 0 AS others FROM notes
  UNION ALL SELECT user_id, 1, 0, octet_length(data) FROM contents
  UNION ALL SELECT user_id, 1, 0, bytes FROM sessions
  UNION ALL SELECT user_id, 0, 0, coalesce(octet_length(request), 0) + coalesce(octet_length(outcome), 0) FROM runs
) GROUP BY user_id;

-- +goose StatementBegin
CREATE TRIGGER usage_note_inserted AFTER INSERT ON notes BEGIN
  INSERT INTO usage VALUES (new.user_id, 1, octet_length(new.title) + octet_length(new.content), 0)
  ON CONFLICT (user_id) DO UPDATE SET items = items + 1, notes = notes + excluded.notes;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_note_updated AFTER UPDATE OF title, content ON notes BEGIN
  UPDATE usage SET notes = notes + octet_length(new.title) + octet_length(new.content) - octet_length(old.title) - octet_length(old.content)
  WHERE user_id = new.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_note_deleted AFTER DELETE ON notes BEGIN
  UPDATE usage SET items = items - 1, notes = notes - octet_length(old.title) - octet_length(old.content) WHERE user_id = old.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_content_inserted AFTER INSERT ON contents BEGIN
  INSERT INTO usage VALUES (new.user_id, 1, 0, octet_length(new.data))
  ON CONFLICT (user_id) DO UPDATE SET items = items + 1, others = others + excluded.others;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_content_updated AFTER UPDATE OF data ON contents BEGIN
  UPDATE usage SET others = others + octet_length(new.data) - octet_length(old.data) WHERE user_id = new.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_content_deleted AFTER DELETE ON contents BEGIN
  UPDATE usage SET items = items - 1, others = others - octet_length(old.data) WHERE user_id = old.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_session_inserted AFTER INSERT ON sessions BEGIN
  INSERT INTO usage VALUES (new.user_id, 1, 0, new.bytes)
  ON CONFLICT (user_id) DO UPDATE SET items = items + 1, others = others + excluded.others;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_session_updated AFTER UPDATE OF bytes ON sessions WHEN new.bytes <> old.bytes BEGIN
  UPDATE usage SET others = others + new.bytes - old.bytes WHERE user_id = new.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_session_deleted AFTER DELETE ON sessions BEGIN
  UPDATE usage SET items = items - 1, others = others - old.bytes WHERE user_id = old.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_run_inserted AFTER INSERT ON runs BEGIN
  INSERT INTO usage VALUES (new.user_id, 0, 0, coalesce(octet_length(new.request), 0) + coalesce(octet_length(new.outcome), 0))
  ON CONFLICT (user_id) DO UPDATE SET others = others + excluded.others;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_run_updated AFTER UPDATE OF request, outcome ON runs BEGIN
  UPDATE usage SET others = others + coalesce(octet_length(new.request), 0) + coalesce(octet_length(new.outcome), 0)
    - coalesce(octet_length(old.request), 0) - coalesce(octet_length(old.outcome), 0) WHERE user_id = new.user_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_run_deleted AFTER DELETE ON runs BEGIN
  UPDATE usage SET others = others - coalesce(octet_length(old.request), 0) - coalesce(octet_length(old.outcome), 0) WHERE user_id = old.user_id;
END;
-- +goose StatementEnd
