import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { PoolClient } from 'pg';
import { expect } from 'vitest';

const MIGRATIONS = new URL('../../prisma/migrations/', import.meta.url);
// What 0005 was when that version applied it.
const FORMER_0005 = 'c5a85252b3afb23d0580d16e3fd8bb8abc17c5d1464a1e3c053f5ffc8f5acee7';

/** Makes the structure that the version which knew the migrations up to 0044 left, with these segments of 256 events. */
export async function writeStructureOf0044(client: PoolClient, segments: readonly string[]): Promise<void> {
  await client.query(
    `CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz,
       migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
       applied_steps_count integer NOT NULL DEFAULT 0)`,
  );
  const names = readdirSync(MIGRATIONS)
    .filter((name) => name < '0045')
    .sort();
  expect(names.at(-1)).toBe('0044_segment_statistics');
  for (const name of names) {
    const sql = readFileSync(new URL(`${name}/migration.sql`, MIGRATIONS), 'utf8');
    await client.query(sql);
    const checksum = name === '0005_roles' ? FORMER_0005 : createHash('sha256').update(sql).digest('hex');
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
  }
  for (const name of segments)
    await client.query('SELECT ensure_segment($1, 8::smallint)', [Number(name.slice(1))]);
  await client.query('TRUNCATE summary_scopes');
}

/** Writes the files of a data directory that a fixture holds below `folder`. */
export function unpackDataDirectory(packed: URL, folder: string): void {
  const bytes = brotliDecompressSync(readFileSync(packed));
  let at = bytes.indexOf('\n') + 1;
  const entries = JSON.parse(bytes.toString('utf8', 0, at)) as [path: string, size?: number][];
  for (const [path, size] of entries) {
    const target = join(folder, path);
    mkdirSync(size === undefined ? target : dirname(target), { recursive: true, mode: 0o700 });
    if (size === undefined) continue;
    writeFileSync(target, bytes.subarray(at, at + size), { mode: 0o600 });
    at += size;
  }
}
