-- +goose Up

-- As in SQLite's migration 14.
-- +goose StatementBegin
CREATE FUNCTION usage_of_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM count_usage(old.user_id, 0, 0, -(octet_length(old.data) + octet_length(old.topics))); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM count_usage(new.user_id, 0, 0, octet_length(new.data) + octet_length(new.topics)); END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER usage_counts AFTER INSERT OR DELETE OR UPDATE OF data, topics ON attempts FOR EACH ROW EXECUTE FUNCTION usage_of_attempts();
