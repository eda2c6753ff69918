import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { parseVerifierKey } from '../../merkle/note-key.ts';
import { noteVerifier } from '../../merkle/note-signature.ts';
import type { CheckpointPolicy } from '../../merkle/signed-checkpoint.ts';
import { readLatestCheckpoint } from '../checkpoints.ts';
import { continues } from '../continues.ts';
import type { StoredIdentity } from '../identity.ts';
import { IntegrityError } from '../integrity-error.ts';
import { readLastAnchor } from './anchor-file.ts';

/** Believes what the log's own key signed. */
export function ownPolicy({ origin, verifierKey }: StoredIdentity): CheckpointPolicy {
  return { origin, logKeys: [noteVerifier(parseVerifierKey(verifierKey))] };
}

/**
 * Compares the stored log with the last checkpoint in an anchor file. Throws an IntegrityError when the log does not
 * continue it: it was rewritten, or rolled back to an earlier state.
 */
export async function checkAnchor(pool: Pool, policy: CheckpointPolicy, path: string): Promise<void> {
  const anchored = await readLastAnchor(path, policy);
  if (!anchored) return;
  const from = { size: anchored.treeSize, rootHash: anchored.rootHash };
  const last = await readLatestCheckpoint(prismaOn(pool), 'log');
  if (!last || last.treeSize < from.size)
    throw anchorError(`${from.size} events were signed, and the log has only ${last?.treeSize ?? 0}`);
  const to = { size: last.treeSize, rootHash: last.rootHash };
  if (!(await continues(prismaOn(pool), 'log', { from, to })))
    throw anchorError(`the log no longer begins with the ${from.size} events that were signed`);
}

/** What `checkAnchor` finds wrong before an instance signs anything; undefined when all is well or there is no file. */
export async function findRollback(
  pool: Pool,
  identity: StoredIdentity,
  path: string | undefined,
): Promise<IntegrityError | undefined> {
  if (path === undefined) return undefined;
  try {
    await checkAnchor(pool, ownPolicy(identity), path);
    return undefined;
  } catch (error) {
    if (error instanceof IntegrityError) return error;
    throw new Error(`ANCHOR_FILE: ${(error as Error).message}`, { cause: error });
  }
}

function anchorError(message: string): IntegrityError {
  return new IntegrityError('anchor', `by the anchor file, ${message}`);
}
