import { randomBytes } from 'node:crypto';
import type { Pool } from '../db/pool.ts';

/** The secret that signs the links of exports, made on first start: the same in every instance. */
export async function ensureExportSecret(pool: Pool): Promise<Buffer> {
  await pool.query("INSERT INTO service_secrets (name, value) VALUES ('export', $1) ON CONFLICT DO NOTHING", [
    randomBytes(32),
  ]);
  const { rows } = await pool.query<{ value: Buffer }>(
    "SELECT value FROM service_secrets WHERE name = 'export'",
  );
  return rows[0]?.value as Buffer;
}
