import { join } from 'node:path';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { type SigningIdentity, signNext } from '../../src/evidence/sign-checkpoints.ts';
import { openIdentity } from '../../src/evidence/signing-identity.ts';
import { dataDirOf } from './database.ts';

/** Signs all that is in the log of a test database, with the key that its services use. */
export async function signLog(databaseUrl: string): Promise<void> {
  const pool = createPool(databaseUrl, () => undefined, { max: 2 });
  try {
    const keyFile = join(dataDirOf(databaseUrl), 'signing-key.pem');
    const identity = (await openIdentity(pool, { origin: undefined, keyFile })) as SigningIdentity;
    while (!(await signNext(pool, identity)));
  } finally {
    await pool.end();
  }
}

/** Sets the time at which the last checkpoint of the log was signed by the database's clock, past its triggers. */
export async function backdateCheckpoints(pool: Pool, time: number): Promise<void> {
  const client = await pool.connect();
  await client.query("SET session_replication_role = 'replica'");
  await client.query(
    `UPDATE checkpoints SET signed_at = $1 WHERE tree = 'log' AND tree_size = (
       SELECT max(tree_size) FROM checkpoints WHERE tree = 'log')`,
    [new Date(time)],
  );
  client.release(true);
}
