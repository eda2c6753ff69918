import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const APPEND = 'the append transaction, whose batches are pipelined, and what it reads';
const COPY = 'COPY';
const IN_TRANSACTION = 'writes of a transaction, beside locks and functions of the owner';
const ANSWERS = 'asks whether the database answers';
const DELIVERY =
  'the one read between a notification and the delivery on other instances: bench/README.md has what Prisma costs there';
const CURSORS = 'reads through cursors, which Prisma does not have';
const SNAPSHOT =
  'begins the transaction whose snapshot all of a verification sees, on each of its connections';

/** How often the files outside `src/db` give something to `pg` themselves, and why not to the Prisma client. */
const USES: Record<string, [count: number, reason: string]> = {
  'audit/meta-audit.ts': [1, ANSWERS],
  'auth/gate.ts': [1, COPY],
  'evidence/append-leaves.ts': [1, COPY],
  'evidence/checkpoints.ts': [1, IN_TRANSACTION],
  'evidence/signing-identity.ts': [2, IN_TRANSACTION],
  'evidence/trees.ts': [4, IN_TRANSACTION],
  'feed/notify-or-poll.ts': [2, 'LISTEN'],
  'feed/tail.ts': [2, DELIVERY],
  'library/storage.ts': [1, ANSWERS],
  'log/append/committer.ts': [1, APPEND],
  'log/append/idempotency.ts': [1, APPEND],
  'log/append/transactions.ts': [5, APPEND],
  'log/head.ts': [1, APPEND],
  'log/retention/announce.ts': [6, IN_TRANSACTION],
  'log/retention/purge-lock.ts': [5, 'an advisory lock, held by its connection'],
  'log/retention/remove-rows.ts': [
    9,
    'DETACH and DROP of segments, outside of transactions; deletes in small ones',
  ],
  'log/segments.ts': [1, APPEND],
  'log/summary/rollups.ts': [4, IN_TRANSACTION],
  'server/health.ts': [1, `${ANSWERS}, on a connection of its own`],
  'verify/checkpoints.ts': [2, CURSORS],
  'verify/customers.ts': [2, CURSORS],
  'verify/database.ts': [2, SNAPSHOT],
  'verify/derived-data.ts': [1, CURSORS],
  'verify/head.ts': [1, CURSORS],
  'verify/row-worker.ts': [2, SNAPSHOT],
  'verify/trees.ts': [1, CURSORS],
};

/** A statement for `pg`, or one of the functions of `src/db` that give it one. */
const USE =
  /(?<!\.\.)\.query\b|\b(readsOn|streamRows|copyRowsOn|createCopyRows|runStatements|asCustomer|queryAsCustomer)(<[^(]*)?\(/g;

const OF_FIELDS = 'the columns of the fields of an event, which the program knows';
const CONSTANT = 'a constant of the program';

/** How often files put a text into a statement as it is, and why no value of anybody is in it. */
const RAW: Record<string, [count: number, reason: string]> = {
  'db/structure.ts': [1, CONSTANT],
  'log/exports/export.ts': [1, OF_FIELDS],
  'log/read/filter-sql.ts': [3, `${OF_FIELDS}, and constants`],
  'log/read/row.ts': [1, OF_FIELDS],
  'log/segments.ts': [1, CONSTANT],
  'log/summary/rollup-statement.ts': [5, 'the columns of the counters, which the program knows'],
  'verify/catalog.ts': [1, CONSTANT],
  'verify/derived-data.ts': [1, CONSTANT],
  'verify/read-rows.ts': [1, OF_FIELDS],
};
const RAW_USE = /\b(Prisma\.)?raw\(/g;

const SOURCE = join(import.meta.dirname, '../../src');
const FILES = readdirSync(SOURCE, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts') && !file.startsWith('db/'));
const textOf = (file: string) => readFileSync(join(SOURCE, file), 'utf8');

test('nothing outside of src/db speaks to pg but what has a reason', () => {
  const counts = FILES.map((file) => [file, [...textOf(file).matchAll(USE)].length] as const);
  const expected = Object.entries(USES).map(([file, [count]]) => [file, count]);
  expect(Object.fromEntries(counts.filter(([, count]) => count > 0))).toEqual(Object.fromEntries(expected));
});

test('no text goes into a statement as it is but what has a reason', () => {
  const files = readdirSync(SOURCE, { recursive: true }).map(String);
  const written = files.filter((file) => file.endsWith('.ts') && !file.startsWith('db/generated/'));
  const counts = written.map((file) => [file, [...textOf(file).matchAll(RAW_USE)].length] as const);
  const expected = Object.entries(RAW).map(([file, [count]]) => [file, count]);
  expect(Object.fromEntries(counts.filter(([, count]) => count > 0))).toEqual(Object.fromEntries(expected));
});

test('every function of src/db that sends a statement counts as a use', () => {
  for (const sent of [
    'pool.query(sql)',
    'const run = pool.query.bind(pool)',
    'createCopyRows(pool)',
    'runStatements(client, steps)',
    'queryAsCustomer(pool, id, config)',
    'streamRows<Row>(client, statement)',
  ])
    expect([...sent.matchAll(USE)], sent).toHaveLength(1);
});

test('no text of a statement is assembled by replacing, and none goes unchecked to Prisma', () => {
  for (const file of FILES) {
    expect(textOf(file), file).not.toMatch(/\$(query|execute)RawUnsafe/);
    expect(textOf(file), file).not.toMatch(/\.replace\('\?'|\$\{[^}]*parameters\.(length|push)/);
  }
});
