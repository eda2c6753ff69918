-- How many checkpoints of each tree and cosignatures of the log's are kept, so that one that was removed is missed.
-- A new table, filled from what is there, and triggers: signing waits for it, the log itself does not.

CREATE TABLE evidence_counts (
  tree          text   PRIMARY KEY,
  checkpoints   bigint NOT NULL DEFAULT 0,
  cosignatures  bigint NOT NULL DEFAULT 0
);
-- Nobody but the trigger writes it.
REVOKE INSERT, UPDATE ON evidence_counts FROM audit_log_service;

CREATE FUNCTION count_evidence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_TABLE_NAME = 'checkpoints' THEN
    INSERT INTO evidence_counts AS counts (tree, checkpoints) VALUES (NEW.tree, 1)
      ON CONFLICT (tree) DO UPDATE SET checkpoints = counts.checkpoints + 1;
  ELSE
    INSERT INTO evidence_counts AS counts (tree, cosignatures) VALUES ('log', 1)
      ON CONFLICT (tree) DO UPDATE SET cosignatures = counts.cosignatures + 1;
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION count_evidence() FROM PUBLIC;

LOCK TABLE checkpoints, cosignatures IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO evidence_counts (tree, checkpoints, cosignatures)
  SELECT tree, count(*), CASE WHEN tree = 'log' THEN (SELECT count(*) FROM cosignatures) ELSE 0 END
  FROM checkpoints GROUP BY tree;
CREATE TRIGGER checkpoints_counted AFTER INSERT ON checkpoints
  FOR EACH ROW EXECUTE FUNCTION count_evidence();
CREATE TRIGGER cosignatures_counted AFTER INSERT ON cosignatures
  FOR EACH ROW EXECUTE FUNCTION count_evidence();
