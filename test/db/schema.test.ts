import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { engineVersion, pullSchema } from '../support/schema-engine.ts';
import { test } from '../support/test.ts';

// The engine keeps descriptions, which begin with three slashes, and no other comments.
const SCHEMA = readFileSync(new URL('../../prisma/schema.prisma', import.meta.url), 'utf8')
  .replace(/^ *\/\/(?!\/).*\n/gm, '')
  .trimStart();
let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase({ isTampered: true });
  pool = createPool(database.url, () => undefined);
});

test('prisma/schema.prisma says of every table what the migrations have made', async () => {
  expect(await pullSchema(database.url, SCHEMA)).toBe(SCHEMA);
});

test('a table that is changed, and not its model, is noticed', async () => {
  await pool.query(`
    CREATE TABLE forgotten (id text PRIMARY KEY);
    ALTER TABLE checkpoints ADD COLUMN forgotten text;
    ALTER TABLE rate_buckets DROP COLUMN points;
    ALTER TABLE api_keys ALTER COLUMN generation TYPE bigint;
    ALTER TABLE api_keys ALTER COLUMN expires_at TYPE timestamptz;
    ALTER TABLE trees ALTER COLUMN frontier DROP NOT NULL;
    ALTER TABLE idempotency_bounds ALTER COLUMN ended_before DROP DEFAULT;
    ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey, ADD PRIMARY KEY (key, scope);
    DROP INDEX audit_events_type, cosignatures_of_witnesses;
    CREATE INDEX cosignatures_of_witnesses ON cosignatures (tree_size, key_name, key_id) WHERE NOT of_witness;
    CREATE INDEX another ON log_identity (origin)`);
  const pulled = await pullSchema(database.url, SCHEMA);
  const there = linesOf(SCHEMA);
  const found = linesOf(pulled);
  expect({
    surplus: there.filter((line) => !found.includes(line)),
    missing: found.filter((line) => !there.includes(line)),
  }).toMatchInlineSnapshot(`
    {
      "missing": [
        "@@index([origin], map: "another")",
        "@@id([key, scope])",
        "endedBefore BigInt @map("ended_before")",
        "frontier Bytes?",
        "forgotten String?",
        "@@index([treeSize, keyName, keyId], map: "cosignatures_of_witnesses", where: raw("(NOT of_witness)"))",
        "expiresAt DateTime? @map("expires_at") @db.Timestamptz(6)",
        "generation BigInt @default(0)",
        "model forgotten {",
      ],
      "surplus": [
        "@@index([eventType, timestamp, position], map: "audit_events_type")",
        "@@id([scope, key])",
        "endedBefore BigInt @default(0) @map("ended_before")",
        "@@index([treeSize, keyName, keyId], map: "cosignatures_of_witnesses", where: raw("of_witness"))",
        "expiresAt DateTime? @map("expires_at") @db.Timestamptz(3)",
        "generation Int @default(0)",
        "points Float",
      ],
    }
  `);
});

test('the engine that compares them is the one of the installed Prisma', async () => {
  const { enginesVersion } = createRequire(import.meta.url)('@prisma/engines-version');
  expect(await engineVersion()).toBe(enginesVersion);
});

function linesOf(schema: string): string[] {
  return schema.split('\n').map((line) => line.trim().replace(/ +/g, ' '));
}
