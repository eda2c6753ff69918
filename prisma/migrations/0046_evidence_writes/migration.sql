-- Evidence: the service's role adds what fits the log's own state, and changes nothing but the log's newest timestamp.
-- Rebuilds the primary key of cosignatures, which signing waits for; the log itself does not.

-- A witness cosigns the checkpoint of an idle log again from time to time: that adds a row, and no row is changed. The
-- log's own timestamp of a checkpoint is one row, which is renewed.
ALTER TABLE cosignatures DROP CONSTRAINT cosignatures_pkey;
ALTER TABLE cosignatures ADD PRIMARY KEY (tree_size, key_name, key_id, cosigned_at);
CREATE UNIQUE INDEX cosignatures_of_log ON cosignatures (tree_size, key_name, key_id) WHERE NOT of_witness;

REVOKE INSERT, UPDATE ON cosignatures, trees, tree_tiles, checkpoints FROM audit_log_service;
-- When a checkpoint was signed is the time of the database.
GRANT INSERT (tree, tree_size, log_size, root_hash, note) ON checkpoints TO audit_log_service;
GRANT INSERT, UPDATE (size, frontier) ON trees TO audit_log_service;
GRANT INSERT, UPDATE (width, hashes, positions) ON tree_tiles TO audit_log_service;

-- The key ID and the time of a timestamped signature line (C2SP tlog-cosignature). Raises what is malformed.
CREATE FUNCTION public.read_cosignature(line text, key_name text, OUT key_id bigint, OUT signed_at timestamptz)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  start text := U&'\2014 ' || key_name || ' ';
  signature bytea;
BEGIN
  signature := decode(rtrim(substr(line, length(start) + 1), E'\n'), 'base64');
  IF key_name !~ '^[^[:space:]+]+$' OR octet_length(signature) <> 76
    OR line <> start || translate(encode(signature, 'base64'), E'\n', '') || E'\n' THEN
    RAISE EXCEPTION 'this is not the line of a timestamped signature' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  key_id := ('x' || encode(substr(signature, 1, 4), 'hex'))::bit(32)::bigint;
  signed_at := to_timestamp(('x' || encode(substr(signature, 5, 8), 'hex'))::bit(64)::bigint);
END $$;

-- Keeps what a witness signed, beside what is there.
CREATE FUNCTION public.add_cosignature(size bigint, line text, key_name text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  read record := public.read_cosignature(line, key_name);
BEGIN
  IF NOT EXISTS (SELECT FROM public.checkpoints WHERE tree = 'log' AND tree_size = size)
    OR key_name = (SELECT origin FROM public.log_identity) THEN
    RAISE EXCEPTION 'this is not a cosignature of the log''s checkpoints' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.cosignatures (tree_size, line, key_name, key_id, cosigned_at, of_witness)
    VALUES (size, line, key_name, read.key_id, read.signed_at, true)
    ON CONFLICT DO NOTHING;
END $$;

-- Renews the log's own timestamp of its newest checkpoint; of another one it does nothing. A time that is still to come
-- does not keep an earlier one out.
CREATE FUNCTION public.renew_timestamp(size bigint, line text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own text := (SELECT origin FROM public.log_identity);
  read record := public.read_cosignature(line, own);
BEGIN
  INSERT INTO public.cosignatures AS known (tree_size, line, key_name, key_id, cosigned_at, of_witness)
    SELECT newest.tree_size, renew_timestamp.line, own, read.key_id, read.signed_at, false
    FROM (SELECT tree_size FROM public.checkpoints WHERE tree = 'log' ORDER BY tree_size DESC LIMIT 1) AS newest
    WHERE newest.tree_size = size
    ON CONFLICT (tree_size, key_name, key_id) WHERE NOT of_witness
      DO UPDATE SET line = excluded.line, cosigned_at = excluded.cosigned_at
      WHERE known.cosigned_at < excluded.cosigned_at OR known.cosigned_at > clock_timestamp();
END $$;

-- The root of a tree, from the hashes of its complete subtrees, the largest first (RFC 9162, 2.1.1).
CREATE FUNCTION public.root_of(frontier bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  root bytea := CASE octet_length(frontier) WHEN 0 THEN sha256('') ELSE substr(frontier, octet_length(frontier) - 31) END;
BEGIN
  FOR at IN REVERSE octet_length(frontier) - 63..1 BY 32 LOOP
    root := sha256('\x01'::bytea || substr(frontier, at, 32) || root);
  END LOOP;
  RETURN root;
END $$;

-- A tree only grows, no further than the log.
CREATE FUNCTION public.check_tree() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.tree <> OLD.tree OR NEW.size < OLD.size)
    OR NEW.size > (SELECT size FROM public.log_head)
    OR octet_length(NEW.frontier) <> public.frontier_bytes(NEW.size) THEN
    RAISE EXCEPTION 'a tree only grows, no further than the log' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trees_grow BEFORE INSERT OR UPDATE ON public.trees FOR EACH ROW EXECUTE FUNCTION public.check_tree();

-- A checkpoint is of its tree as it has grown, and of the log's tree as it has grown.
CREATE FUNCTION public.check_checkpoint() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- A tree without a row is empty.
  grown bigint := coalesce((SELECT size FROM public.trees WHERE tree = NEW.tree), 0);
  frontier bytea := coalesce((SELECT trees.frontier FROM public.trees WHERE tree = NEW.tree), '');
BEGIN
  IF (NEW.tree_size = grown AND NEW.root_hash = public.root_of(frontier)
    AND NEW.log_size = (SELECT size FROM public.trees WHERE tree = 'log')
    AND split_part(NEW.note, E'\n', 2) = NEW.tree_size::text
    AND split_part(NEW.note, E'\n', 3) = encode(NEW.root_hash, 'base64')) IS NOT TRUE THEN
    RAISE EXCEPTION 'a checkpoint is of the tree as it has grown' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER checkpoints_of_tree BEFORE INSERT ON public.checkpoints
  FOR EACH ROW EXECUTE FUNCTION public.check_checkpoint();

-- A tile only grows at its end, the positions of its leaves too.
CREATE OR REPLACE FUNCTION public.refuse_tile_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF substr(NEW.hashes, 1, octet_length(OLD.hashes)) = OLD.hashes AND NEW.width > OLD.width AND NEW.width <= 256
    AND (NEW.positions IS NULL) = (OLD.positions IS NULL)
    AND (OLD.positions IS NULL OR substr(NEW.positions, 1, octet_length(OLD.positions)) = OLD.positions)
    AND NEW.first_position IS NOT DISTINCT FROM OLD.first_position
    AND (NEW.tree, NEW.level, NEW.index) = (OLD.tree, OLD.level, OLD.index) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a tile only grows' USING ERRCODE = 'insufficient_privilege';
END $$;

REVOKE EXECUTE ON FUNCTION public.read_cosignature(text, text), public.add_cosignature(bigint, text, text),
  public.renew_timestamp(bigint, text), public.root_of(bytea), public.check_tree(), public.check_checkpoint() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.add_cosignature(bigint, text, text), public.renew_timestamp(bigint, text),
  public.root_of(bytea) TO audit_log_service;
