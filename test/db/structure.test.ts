import { expect, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { structureOf } from '../../src/db/structure.ts';
import { createDatabase } from '../support/database.ts';

test('prisma/structure.sql is what the migrations make (`npm run structure` writes it)', async () => {
  const database = await createDatabase();
  const pool = createPool(database.url, () => undefined);
  await expect(await structureOf(prismaOn(pool))).toMatchFileSnapshot('../../prisma/structure.sql');
  await pool.end();
  await database.drop();
});
