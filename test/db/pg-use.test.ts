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
  'evidence/append-leaves.ts': [1, COPY],
  'evidence/checkpoints.ts': [1, IN_TRANSACTION],
  'evidence/signing-identity.ts': [2, IN_TRANSACTION],
  'evidence/trees.ts': [4, IN_TRANSACTION],
  'feed/notify-or-poll.ts': [2, 'LISTEN'],
  'feed/tail.ts': [2, DELIVERY],
  'library/storage.ts': [1, ANSWERS],
  'log/append/committer.ts': [1, APPEND],
  'log/append/idempotency.ts': [1, APPEND],
  'log/append/transactions.ts': [2, APPEND],
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
const USE = /(\.query|\b(readsOn|streamRows|copyRowsOn))(<[^(]*)?\(/g;

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

test('no text of a statement is assembled by replacing, and none goes unchecked to Prisma', () => {
  for (const file of FILES) {
    expect(textOf(file), file).not.toMatch(/\$(query|execute)RawUnsafe/);
    expect(textOf(file), file).not.toMatch(/\.replace\('\?'|\$\{[^}]*parameters\.(length|push)/);
  }
});
