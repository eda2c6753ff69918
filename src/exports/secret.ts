import { randomBytes } from 'node:crypto';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';

const NAME = 'export';

/** The secret that seals the links of exports, made on first start: the same in every instance. */
export async function ensureExportSecret(pool: Pool): Promise<Buffer> {
  const { serviceSecret } = prismaOn(pool);
  const fresh = new Uint8Array(randomBytes(32));
  await serviceSecret.createMany({ data: { name: NAME, value: fresh }, skipDuplicates: true });
  const { value } = await serviceSecret.findUniqueOrThrow({ where: { name: NAME } });
  return Buffer.from(value);
}
