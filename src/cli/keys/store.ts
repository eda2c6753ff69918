import type { KeyStore } from '../../access/manage.ts';
import { readConfig } from '../../config.ts';
import { migrate } from '../../db/migrate.ts';
import { createPool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { createAppender } from '../../log/append.ts';
import { createHead } from '../../log/head.ts';
import { readPositions } from '../../log/read.ts';
import { wantAll } from '../../pipeline/filters.ts';
import { openRedaction } from '../../pipeline/redaction.ts';
import { openDatabase } from '../database.ts';

const CONNECTIONS = 2;

/**
 * Lets `work` manage keys on the database itself, whose schema is brought up to date first, as a start of the service
 * does. Events go into the log by the same append; a service that runs learns of them, and of keys, as from another
 * instance.
 */
export async function withKeyStore<Result>(work: (store: KeyStore) => Promise<Result>): Promise<Result> {
  const config = readConfig();
  const database = await openDatabase(config);
  const pool = createPool(database.url, () => undefined, { max: CONNECTIONS });
  try {
    await migrate(pool);
    await createHead(pool, config.SEGMENT_BITS);
    const pipeline = {
      filters: wantAll,
      redaction: await openRedaction(pool, config),
      appender: createAppender(pool),
      readPositions: (positions: number[]) => readPositions(prismaOn(pool), positions),
      dispatch: () => undefined,
      now: Date.now,
    };
    return await work({ pool, pipeline, onRevoked: () => undefined });
  } finally {
    await pool.end();
    await database.close();
  }
}
