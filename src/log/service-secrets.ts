import { randomBytes } from 'node:crypto';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { createRedaction, type Redaction } from '../events/redact/redact.ts';

const SECRET_BYTES = 32;

/** The settings of redaction. */
export interface RedactionSettings {
  REDACT_NAMES: readonly string[];
  REDACT_FIELDS: readonly string[];
  REDACT_HASH_KEY?: string | undefined;
}

/** Creates the redaction of the settings, with additional `names`. */
export async function openRedaction(
  pool: Pool,
  settings: RedactionSettings,
  names: readonly string[] = [],
): Promise<Redaction> {
  const { REDACT_NAMES, REDACT_FIELDS, REDACT_HASH_KEY } = settings;
  const hashKey =
    REDACT_HASH_KEY === undefined ? await ensureSecret(pool, 'redaction') : Buffer.from(REDACT_HASH_KEY);
  return createRedaction({ names: [...REDACT_NAMES, ...names], fields: REDACT_FIELDS, hashKey });
}

/** The secret that encrypts the links of exports. */
export function ensureExportSecret(pool: Pool): Promise<Buffer> {
  return ensureSecret(pool, 'export');
}

/** A secret of the service. It is created on the first start, and is the same for every instance on the database. */
async function ensureSecret(pool: Pool, name: 'redaction' | 'export'): Promise<Buffer> {
  const { serviceSecret } = prismaOn(pool);
  const fresh = new Uint8Array(randomBytes(SECRET_BYTES));
  await serviceSecret.createMany({ data: { name, value: fresh }, skipDuplicates: true });
  const { value } = await serviceSecret.findUniqueOrThrow({ where: { name } });
  return Buffer.from(value);
}
