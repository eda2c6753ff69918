-- The evidence: Merkle tiles of the log and of each customer's own tree, signed checkpoints and their cosignatures.
-- New tables only, so it locks nothing that exists and is safe while the service runs; the trees of an existing log
-- are grown by the service afterwards.

-- Who signs this log: fixed with the first checkpoint.
CREATE TABLE log_identity (
  singleton     boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  origin        text NOT NULL,
  -- The public key as C2SP's signed-note writes it.
  verifier_key  text NOT NULL
);

-- How far each tree has been read back from the log: `log`, or `customer/` and the customer's id.
-- Whoever grows any tree holds the row of the log's.
CREATE TABLE trees (
  tree          text PRIMARY KEY,
  size          bigint NOT NULL,
  frontier      bytea  NOT NULL
);

-- Tiles of C2SP's tlog-tiles. The last of a level may be partial: it grows until it has 256 hashes.
CREATE TABLE tree_tiles (
  tree          text     NOT NULL,
  level         smallint NOT NULL,
  index         bigint   NOT NULL,
  width         smallint NOT NULL,
  hashes        bytea    NOT NULL,
  -- Of a customer's leaves: where in the log they stand, 8 bytes each, big-endian, and the first of them.
  positions     bytea,
  first_position bigint,
  PRIMARY KEY (tree, level, index)
);
CREATE UNIQUE INDEX tree_tiles_positions ON tree_tiles (tree, first_position) WHERE first_position IS NOT NULL;

CREATE TABLE checkpoints (
  tree          text   NOT NULL,
  tree_size     bigint NOT NULL,
  -- The size of the log up to which the tree speaks; of the log's own tree the same as tree_size.
  log_size      bigint NOT NULL,
  root_hash     bytea  NOT NULL,
  -- The note with the log's own signature.
  note          text   NOT NULL,
  signed_at     timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (tree, tree_size, log_size)
);

-- Timestamped signatures of the log's checkpoints: the log's own, renewed while it is idle, and the witnesses'.
CREATE TABLE cosignatures (
  tree_size     bigint NOT NULL,
  -- The signature line, as it stands in the note.
  line          text   NOT NULL,
  key_name      text   NOT NULL,
  key_id        bigint NOT NULL,
  cosigned_at   timestamptz(3) NOT NULL,
  PRIMARY KEY (tree_size, key_name, key_id)
);

CREATE FUNCTION refuse_evidence_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'evidence is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION refuse_tile_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF substr(NEW.hashes, 1, octet_length(OLD.hashes)) = OLD.hashes AND NEW.width > OLD.width
    AND (NEW.tree, NEW.level, NEW.index) = (OLD.tree, OLD.level, OLD.index) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a tile only grows' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE ON checkpoints
  FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER checkpoints_no_truncate BEFORE TRUNCATE ON checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER log_identity_append_only BEFORE UPDATE OR DELETE ON log_identity
  FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER tree_tiles_grow BEFORE UPDATE ON tree_tiles
  FOR EACH ROW EXECUTE FUNCTION refuse_tile_change();
CREATE TRIGGER tree_tiles_append_only BEFORE DELETE ON tree_tiles
  FOR EACH ROW EXECUTE FUNCTION refuse_evidence_change();
CREATE TRIGGER tree_tiles_no_truncate BEFORE TRUNCATE ON tree_tiles
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_evidence_change();
