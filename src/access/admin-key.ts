import { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { KEYS_CHANNEL } from './keys.ts';
import { createSecret, hashSecret } from './secret.ts';

const ADMIN_KEY_ID = 'admin';

/** What a start did about the admin's key. */
export interface AdminKey {
  /** Of a new one that nobody chose: it is shown once. */
  secret: string | undefined;
  /** `made`: there was none; `replaced`: another secret was configured; undefined: nothing has changed. */
  change: 'made' | 'replaced' | undefined;
}

/**
 * Makes sure of an admin key: the configured one, or on first start a new one, whose secret is returned, once.
 * A configured one is valid from then on, also when it was revoked before; what is open on a former secret ends, on
 * every instance.
 */
export async function ensureAdminKey(pool: Pool, configured: string | undefined): Promise<AdminKey> {
  const secret = configured ?? createSecret();
  const hash = hashSecret(secret);
  const prisma = prismaOn(pool);
  const before = await prisma.apiKey.findUnique({ where: { id: ADMIN_KEY_ID } });
  const stored = await prisma.$executeRaw`
    INSERT INTO api_keys AS key (id, name, secret_hash, scopes) VALUES (${ADMIN_KEY_ID}, 'admin', ${hash}, '{admin}')
    ON CONFLICT (id) DO ${configured === undefined ? NOTHING : REPLACE}`;
  if (configured !== undefined) await prisma.$executeRaw`SELECT pg_notify(${KEYS_CHANNEL}, ${ADMIN_KEY_ID})`;
  const isReplaced =
    configured !== undefined &&
    before !== null &&
    (before.revokedAt !== null || !hash.equals(before.secretHash));
  return {
    secret: configured === undefined && stored === 1 ? secret : undefined,
    change: isReplaced ? 'replaced' : before || stored !== 1 ? undefined : 'made',
  };
}

const NOTHING = Prisma.sql`NOTHING`;
const REPLACE = Prisma.sql`UPDATE SET secret_hash = excluded.secret_hash, revoked_at = NULL,
  generation = key.generation + (key.secret_hash <> excluded.secret_hash)::integer`;
