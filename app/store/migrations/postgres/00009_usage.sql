-- +goose Up

-- As in SQLite's migration 12.
CREATE TABLE tokens (
  day     bigint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  tokens  bigint NOT NULL,
  PRIMARY KEY (day, user_id)
);

CREATE TABLE usage (
  user_id text COLLATE "C" PRIMARY KEY,
  items   bigint NOT NULL,
  notes   bigint NOT NULL,
  others  bigint NOT NULL
);

ALTER TABLE sessions ADD COLUMN bytes bigint NOT NULL DEFAULT 0; -- of the messages

UPDATE sessions SET bytes = (SELECT coalesce(sum(octet_length(content)), 0) FROM messages WHERE session_id = sessions.id);
INSERT INTO usage (user_id, items, notes, others)
SELECT user_id, sum(items), sum(notes), sum(others) FROM (
  SELECT user_id, 1 AS items, octet_length(title) + octet_length(content) AS notes, 0 AS others FROM notes
  UNION ALL SELECT user_id, 1, 0, octet_length(data) FROM contents
  UNION ALL SELECT user_id, 1, 0, bytes FROM sessions
  UNION ALL SELECT user_id, 0, 0, coalesce(octet_length(request), 0) + coalesce(octet_length(outcome), 0) FROM runs
) AS held GROUP BY user_id;

-- count_usage adds to what is kept of a user.
-- +goose StatementBegin
CREATE FUNCTION count_usage(owner text, more_items bigint, more_notes bigint, more_others bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO usage VALUES (owner, more_items, more_notes, more_others)
  ON CONFLICT (user_id) DO UPDATE SET items = usage.items + excluded.items, notes = usage.notes + excluded.notes, others = usage.others + excluded.others
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION usage_of_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM count_usage(old.user_id, -1, -(octet_length(old.title) + octet_length(old.content)), 0); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM count_usage(new.user_id, 1, octet_length(new.title) + octet_length(new.content), 0); END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION usage_of_contents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM count_usage(old.user_id, -1, 0, -octet_length(old.data)); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM count_usage(new.user_id, 1, 0, octet_length(new.data)); END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION usage_of_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM count_usage(old.user_id, -1, 0, -old.bytes); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM count_usage(new.user_id, 1, 0, new.bytes); END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION usage_of_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM count_usage(old.user_id, 0, 0, -(coalesce(octet_length(old.request), 0) + coalesce(octet_length(old.outcome), 0))); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM count_usage(new.user_id, 0, 0, coalesce(octet_length(new.request), 0) + coalesce(octet_length(new.outcome), 0)); END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER usage_counts AFTER INSERT OR DELETE OR UPDATE OF title, content ON notes FOR EACH ROW EXECUTE FUNCTION usage_of_notes();
CREATE TRIGGER usage_counts AFTER INSERT OR DELETE OR UPDATE OF data ON contents FOR EACH ROW EXECUTE FUNCTION usage_of_contents();
CREATE TRIGGER usage_counts AFTER INSERT OR DELETE OR UPDATE OF bytes ON sessions FOR EACH ROW EXECUTE FUNCTION usage_of_sessions();
CREATE TRIGGER usage_counts AFTER INSERT OR DELETE OR UPDATE OF request, outcome ON runs FOR EACH ROW EXECUTE FUNCTION usage_of_runs();
