import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { AuditError, badInput } from '../errors.ts';
import { readCosignedCheckpoint, type StoredCheckpoint } from './checkpoints.ts';
import type { TreeName } from './trees.ts';
import { MAX_WITNESSES } from './witnesses/witness.ts';

/**
 * The last checkpoint that at least so many witnesses have cosigned. Throws BAD_USER_INPUT for a number that cannot be
 * and for a customer's tree, of which witnesses know nothing; NOT_FOUND when there is no such checkpoint.
 */
export async function findCosigned(
  pool: Pool,
  tree: TreeName,
  minWitnesses: number,
): Promise<StoredCheckpoint> {
  if (!Number.isInteger(minWitnesses) || minWitnesses < 1 || minWitnesses > MAX_WITNESSES)
    throw badInput('minWitnesses', `must be from 0 to ${MAX_WITNESSES}`);
  if (tree !== 'log') throw badInput('minWitnesses', "must be 0: witnesses cosign the log's own tree only");
  const found = await readCosignedCheckpoint(prismaOn(pool), minWitnesses);
  if (!found) throw new AuditError('NOT_FOUND', 'no checkpoint has so many witnesses yet', 'minWitnesses');
  return found;
}
