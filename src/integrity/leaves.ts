import type { PoolClient } from 'pg';
import { copyRowsOn } from '../db/copy.ts';
import {
  CanonicalRows,
  customerIdOf,
  leafHashOf,
  mostBytes,
  positionOf,
  ROW_COLUMNS,
} from '../log/canonical-row.ts';
import { equalHashes, leafHash } from '../merkle/hash.ts';
import { IntegrityError } from './integrity-error.ts';

/** A leaf of the log, computed anew from the stored event. */
export interface Leaf {
  hash: Uint8Array;
  customerId: string | undefined;
}

const rows = new CanonicalRows();
let scratch = Buffer.alloc(65_536);

/**
 * Reads the events from position `start` to `end`, the last left out, back from the database and hashes each anew.
 * Throws an IntegrityError at the first that is missing, or whose hash is not the one that is stored.
 */
export async function readLeaves(client: PoolClient, start: number, end: number): Promise<Leaf[]> {
  const leaves: Leaf[] = [];
  const copyRows = copyRowsOn(client);
  const statement = `SELECT ${ROW_COLUMNS} FROM audit_events WHERE position >= ${start} AND position < ${end} ORDER BY position`;
  await copyRows(statement, (row) => {
    leaves.push(checkedLeaf(row, start + leaves.length));
    return true;
  });
  if (leaves.length < end - start) throw missing(start + leaves.length);
  return leaves;
}

function checkedLeaf(row: Buffer, position: number): Leaf {
  if (positionOf(row) !== position) throw missing(position);
  const hash = hashOf(row);
  if (!hash || !equalHashes(hash, leafHashOf(row)))
    throw new IntegrityError('changed', 'the event is not what its leaf hash says', position);
  return { hash, customerId: customerIdOf(row) };
}

// Undefined: it has values that no event has.
function hashOf(row: Buffer): Uint8Array | undefined {
  const most = mostBytes(row.length);
  try {
    if (scratch.length < most) scratch = Buffer.alloc(most);
    return leafHash(scratch.subarray(0, rows.write(row, scratch, 0)));
  } catch {
    return undefined;
  }
}

function missing(position: number): IntegrityError {
  return new IntegrityError('missing', 'the event is missing', position);
}
