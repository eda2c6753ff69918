-- Two instances that make the same segment at once: the one that waited for the other looks again with a new snapshot.
-- What it knew of the table's absence stayed in its cache, so it made the table again and failed ("already exists").
-- Replaces one function, without locks on tables: safe while the service runs.

CREATE OR REPLACE FUNCTION ensure_segment(segment bigint, bits smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  plain text := 's' || lpad(segment::text, 8, '0');
  name text := format('audit_segments.%I', plain);
BEGIN
  IF to_regclass(name) IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtext('audit_log.segment'));
    IF NOT EXISTS (
      SELECT FROM pg_catalog.pg_class WHERE relname = plain AND relnamespace = 'audit_segments'::regnamespace
    ) THEN
      EXECUTE format('CREATE TABLE %s (LIKE audit_events INCLUDING ALL)', name);
      PERFORM open_segment(name::regclass);
      EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
        name, segment << bits, (segment + 1) << bits);
    END IF;
  END IF;
END $$;
