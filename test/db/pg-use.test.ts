import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const APPEND = 'the append transaction, whose batches are pipelined';
const IN_TRANSACTION = 'one step of a transaction, beside locks and functions of the owner';
const HOT = 'read in the append transaction, or so often that what Prisma takes of it would count';
const VERIFY = 'one snapshot for all that is verified, which threads share, and cursors';
const CALL = 'calls a function of the database, and reads nothing';

/** The files outside `src/db` that give a statement to `pg` themselves, and why not to the Prisma client. */
const USES: Record<string, string> = {
  'access/keys.ts': CALL,
  'access/rate/shared-buckets.ts': 'writes many buckets by one INSERT ... ON CONFLICT',
  'feed/listener.ts': 'LISTEN',
  'health.ts': 'asks whether the database answers, on a connection of its own',
  'integrity/checkpoints.ts': IN_TRANSACTION,
  'integrity/cosignatures.ts': CALL,
  'integrity/identity.ts': IN_TRANSACTION,
  'integrity/tiles.ts': IN_TRANSACTION,
  'integrity/trees.ts': IN_TRANSACTION,
  'integrity/verify/catalog.ts': VERIFY,
  'integrity/verify/customer.ts': VERIFY,
  'integrity/verify/database.ts': VERIFY,
  'integrity/verify/evidence-counts.ts': VERIFY,
  'integrity/verify/head.ts': VERIFY,
  'integrity/verify/idempotency.ts': VERIFY,
  'integrity/verify/log.ts': VERIFY,
  'integrity/verify/removal-events.ts': VERIFY,
  'integrity/verify/row-threads.ts': VERIFY,
  'integrity/verify/row-worker.ts': VERIFY,
  'integrity/verify/rows.ts': VERIFY,
  'integrity/verify/sizes.ts': VERIFY,
  'integrity/verify/summaries.ts': VERIFY,
  'library/storage.ts': 'asks whether the database answers at the start',
  'log/append-once.ts': APPEND,
  'log/end-keys.ts': CALL,
  'log/head.ts': HOT,
  'log/idempotency.ts': HOT,
  'log/lane.ts': APPEND,
  'log/segments.ts': CALL,
  'log/summary/count.ts': IN_TRANSACTION,
  'log/summary/uncount.ts': IN_TRANSACTION,
  'log/upkeep.ts': CALL,
  'meta-audit/last-words.ts': 'asks whether the database answers',
  'retention/announce.ts': IN_TRANSACTION,
  'retention/lock.ts': 'an advisory lock, held by its connection',
  'retention/remove.ts': 'DETACH and DROP of segments, outside of transactions',
  'retention/upgrade.ts': IN_TRANSACTION,
};

const SOURCE = join(import.meta.dirname, '../../src');
const FILES = readdirSync(SOURCE, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts') && !file.startsWith('db/'));
const textOf = (file: string) => readFileSync(join(SOURCE, file), 'utf8');

test('no file outside of src/db speaks to pg but those that have a reason', () => {
  const using = FILES.filter((file) => /\.query(<[^(]*)?\(/.test(textOf(file)));
  expect(using.sort()).toEqual(Object.keys(USES).sort());
});

test('no text of a statement is assembled by replacing, and none goes unchecked to Prisma', () => {
  for (const file of FILES) {
    expect(textOf(file), file).not.toMatch(/\$(query|execute)RawUnsafe/);
    expect(textOf(file), file).not.toMatch(/\.replace\('\?'|\$\{[^}]*parameters\.(length|push)/);
  }
});
