-- Which cosignatures are by witnesses, and the way to the newest checkpoint that a witness cosigned.
-- A column with a constant default, which rewrites nothing, and an index: cosignatures cannot be stored while it is
-- built, so checkpoints wait for it; the log itself does not.

ALTER TABLE cosignatures ADD COLUMN of_witness boolean NOT NULL DEFAULT false;
CREATE INDEX cosignatures_of_witnesses ON cosignatures (tree_size, key_name, key_id) WHERE of_witness;
