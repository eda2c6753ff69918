import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const APPEND = 'the append transaction, whose batches are pipelined';
const IN_TRANSACTION = 'one step of a transaction, beside locks and functions of the owner';
const HOT = 'read in the append transaction, or so often that what Prisma takes of it would count';
const VERIFY = 'one snapshot for all that is verified, which threads share, and cursors';
const DELIVERY =
  'the one read between a notification and the delivery on other instances: bench/README.md has what Prisma costs there';
const CALL = 'calls a function of the database, and reads nothing';

/** The files outside `src/db` that give a statement to `pg` themselves, and why not to the Prisma client. */
const USES: Record<string, string> = {
  'audit/meta-audit.ts': 'asks whether the database answers',
  'auth/api-keys.ts': CALL,
  'auth/rate-limit.ts': 'writes many buckets by one INSERT ... ON CONFLICT',
  'evidence/append-leaves.ts': IN_TRANSACTION,
  'evidence/checkpoints.ts': IN_TRANSACTION,
  'evidence/sign-checkpoints.ts': IN_TRANSACTION,
  'evidence/signing-identity.ts': IN_TRANSACTION,
  'evidence/trees.ts': IN_TRANSACTION,
  'feed/notify-or-poll.ts': 'LISTEN',
  'feed/tail.ts': DELIVERY,
  'library/storage.ts': 'asks whether the database answers at the start',
  'log/append/committer.ts': APPEND,
  'log/append/idempotency.ts': CALL,
  'log/append/transactions.ts': APPEND,
  'log/head.ts': HOT,
  'log/maintenance.ts': CALL,
  'log/retention/announce.ts': IN_TRANSACTION,
  'log/retention/purge-lock.ts': 'an advisory lock, held by its connection',
  'log/retention/remove-rows.ts': 'DETACH and DROP of segments, outside of transactions',
  'log/segments.ts': CALL,
  'log/summary/rollups.ts': IN_TRANSACTION,
  'server/health.ts': 'asks whether the database answers, on a connection of its own',
  'verify/catalog.ts': VERIFY,
  'verify/checkpoints.ts': VERIFY,
  'verify/customers.ts': VERIFY,
  'verify/database.ts': VERIFY,
  'verify/derived-data.ts': VERIFY,
  'verify/head.ts': VERIFY,
  'verify/removals.ts': VERIFY,
  'verify/row-worker.ts': VERIFY,
  'verify/rows.ts': VERIFY,
  'verify/threads.ts': VERIFY,
  'verify/walk-log.ts': VERIFY,
};

const SOURCE = join(import.meta.dirname, '../../src');
const FILES = readdirSync(SOURCE, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts') && !file.startsWith('db/'));
const textOf = (file: string) => readFileSync(join(SOURCE, file), 'utf8');

test('no file outside of src/db speaks to pg but those that have a reason', () => {
  const using = FILES.filter((file) => /\.query(<[^(]*)?\(|\breadsOn\(/.test(textOf(file)));
  expect(using.sort()).toEqual(Object.keys(USES).sort());
});

test('no text of a statement is assembled by replacing, and none goes unchecked to Prisma', () => {
  for (const file of FILES) {
    expect(textOf(file), file).not.toMatch(/\$(query|execute)RawUnsafe/);
    expect(textOf(file), file).not.toMatch(/\.replace\('\?'|\$\{[^}]*parameters\.(length|push)/);
  }
});
