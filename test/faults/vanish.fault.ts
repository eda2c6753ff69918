import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import { MessageReader } from '../support/protocol.ts';
import { type Pair, startProxy, type TcpProxy } from '../support/proxy.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';
import { runsOf } from './runs.ts';
import { type Batch, startVictim, startWriter, type Victim } from './victim.ts';

// An instance under load stops in the middle of something, by SIGSTOP or behind a network that loses every packet. Another
// one goes on writing; how long each of its appends took is measured.

const FULL_SILENCES = 30;
const MINUTES = 60_000;
/** More than the buffers between the instance and the database hold: then a COPY is open for a while. */
const LARGE = { size: 700, text: 'x '.repeat(8_000) };
const SMALL = { size: 5 };
/** Of what the victim sends, as the proxy reads it: a large batch takes some 170. */
const MOST_PARTS = 300;

/** A step at which an instance holds something that others need. */
interface Step {
  name: string;
  load: Omit<Batch, 'action'>;
  /** It begins with a message of the instance in which this stands; with `isOpen` what follows the first part is held. */
  sent: string;
  isOpen?: true;
  /** The message of the server on which it stops. */
  answer: (type: string, bytes: Buffer) => boolean;
  /** How the database sees it then. */
  seen: string;
}

const isInTransaction: Step['answer'] = (type, bytes) => type === 'Z' && bytes[5] === 'T'.charCodeAt(0);

const STEPS: readonly Step[] = [
  {
    name: 'holds the head between two statements',
    load: SMALL,
    sent: 'FROM log_head FOR UPDATE',
    answer: isInTransaction,
    seen: "relation = 'log_head'::regclass AND state = 'idle in transaction'",
  },
  {
    name: 'is in an open COPY',
    load: LARGE,
    sent: 'COPY audit_segments',
    isOpen: true,
    answer: (type) => type === 'G',
    seen: "query LIKE 'COPY%'",
  },
  {
    name: 'holds the trees while it signs',
    load: SMALL,
    sent: "FROM trees WHERE tree = 'log' FOR UPDATE",
    answer: isInTransaction,
    seen: "relation = 'trees'::regclass AND state = 'idle in transaction'",
  },
];

let database: TestDatabase;
let proxy: TcpProxy;
let owner: Pool;
let other: TestService;

test.beforeAll(async ({ later, createDatabase, startService, createPool }) => {
  database = await createDatabase();
  proxy = await startProxy(database.url);
  later(() => proxy.close());
  owner = createPool(database.url, () => undefined);
  // Short segments: their making is among the steps.
  other = await startService(database.url, { SEGMENT_BITS: '12', RATE_LIMIT: '0' });
});

/** The connections that stand at the step: they wait for their client, which says nothing. */
async function processesAt({ seen }: Step): Promise<number[]> {
  const { rows } = await owner.query<{ pid: number }>(
    `SELECT DISTINCT pid FROM pg_stat_activity JOIN pg_locks USING (pid)
     WHERE datname = current_database() AND application_name = 'graphql-audit-log' AND wait_event = 'ClientRead'
       AND locktype = 'relation' AND mode IN ('RowShareLock', 'RowExclusiveLock') AND ${seen}`,
  );
  return rows.map(({ pid }) => pid);
}

async function isThere(pid: number): Promise<boolean> {
  const { rows } = await owner.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
  return rows.length > 0;
}

/** Lets the victim stand as soon as the server has answered what the step begins with, before the victim hears of it. */
function standAt({ stand }: Pick<Victim, 'stand'>, step: Step): Promise<void> {
  const begun = new Map<Pair, MessageReader>();
  return new Promise((resolve) => {
    proxy.onSent = (pair, bytes) => {
      if (!bytes.includes(step.sent)) return undefined;
      begun.set(pair, new MessageReader({ isClient: false }));
      if (step.isOpen) pair.hold();
      return undefined;
    };
    proxy.onReceived = (pair, bytes) => {
      const messages = begun.get(pair)?.read(bytes) ?? [];
      // It was refused, and goes another way.
      if (messages.some(({ type }) => type === 'E') && begun.delete(pair)) return pair.goOn();
      if (!messages.some(({ type, start, end }) => step.answer(type, bytes.subarray(start, end)))) return;
      proxy.onSent = undefined;
      proxy.onReceived = undefined;
      stand();
      resolve();
    };
  });
}

async function end({ program }: Victim): Promise<void> {
  program.child.kill('SIGTERM');
  expect((await program.ended).code).toBe(0);
}

test.each(STEPS)(
  'an instance that is stopped while it $name keeps no append of another waiting for ten seconds',
  async (step) => {
    const victim = await startVictim(database, proxy, { CHECKPOINT_INTERVAL_MS: '100' });
    const atOther = startWriter(other.url, { action: 'other', ...SMALL });
    const atVictim = [0, 1].map((n) => startWriter(victim.url, { action: `victim/${n}`, ...step.load }));
    // Both write: an instance that was overtaken takes the lock of the head.
    await Promise.all([atOther, ...atVictim].map((writer) => writer.more(1)));
    await standAt(victim, step);
    await expect.poll(() => processesAt(step)).toHaveLength(1);
    const [pid = 0] = await processesAt(step);
    const before = atOther.times.length;
    await atOther.more(10);
    const longestMs = Math.max(...atOther.times.slice(before));
    console.info(`stopped while it ${step.name}: longest append of another ${Math.round(longestMs)} ms`);
    await expect.poll(() => isThere(pid)).toBe(false);
    victim.goOn();
    await Promise.all(atVictim.map((writer) => writer.more(1)));
    await Promise.all([atOther, ...atVictim].map((writer) => writer.stop()));
    await end(victim);
    expect(atOther.errors).toEqual([]);
    expect(longestMs).toBeLessThan(10_000);
  },
  5 * MINUTES,
);

/** Loses every packet from a random moment on. */
function silenceSoon(): Promise<void> {
  let left = Math.floor(Math.random() * MOST_PARTS);
  return new Promise((resolve) => {
    proxy.onSent = () => {
      left -= 1;
      if (left >= 0) return undefined;
      proxy.isSilent = true;
      proxy.onSent = undefined;
      resolve();
      return undefined;
    };
  });
}

test(
  'an instance behind a network that loses every packet keeps no append of another waiting for ten seconds',
  async () => {
    const victim = await startVictim(database, proxy, {});
    const atOther = startWriter(other.url, { action: 'other', ...SMALL });
    const atVictim = [0, 1].map((n) => startWriter(victim.url, { action: `victim/${n}`, ...LARGE }));
    const silences = runsOf(FULL_SILENCES);
    let longestMs = 0;
    for (const _ of upTo(silences)) {
      await Promise.race(atVictim.map((writer) => writer.more(1)));
      await silenceSoon();
      const before = atOther.times.length;
      await atOther.more(20);
      longestMs = Math.max(longestMs, ...atOther.times.slice(before));
      // The network comes back without the connections that were open.
      for (const pair of proxy.pairs) pair.silence();
      proxy.isSilent = false;
    }
    console.info(`${silences} times a silent network: longest append of another ${Math.round(longestMs)} ms`);
    await Promise.all([atOther, ...atVictim].map((writer) => writer.stop()));
    await end(victim);
    expect(atOther.errors).toEqual([]);
    expect(longestMs).toBeLessThan(10_000);
  },
  60 * MINUTES,
);
