import { expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { MessageReader } from '../support/protocol.ts';
import { type Pair, startProxy, type TcpProxy } from '../support/proxy.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { isInRun } from './runs.ts';
import { record, startVictim, type Victim } from './victim.ts';

// An instance stops behind every kind of message (of some of them, in a run of less than the full count) that it sends while it appends, one after another. Another instance
// records the same events meanwhile, as a client has it do that got no answer; how long that takes is measured.

/** Some of what must be among the messages. */
const EXPECTED = [
  'BEGIN',
  'log_head FOR UPDATE',
  'SELECT known', // The keys are looked up.
  'ensure_segment',
  'claim_head',
  'COPY',
  'keep_keys',
  'COMMIT',
];
/** After so many appends that were not stopped there is no message of a new kind. */
const APPENDS_WITHOUT = 20;
/** Segments shorter than a batch: each append makes some. */
const SEGMENT_BITS = 8;
const EVENTS = 300;

let database: TestDatabase;
let proxy: TcpProxy;
let other: TestService;
let victim: Victim;

test.beforeAll(async ({ later, createDatabase, startService }) => {
  database = await createDatabase();
  proxy = await startProxy(database.url);
  later(() => proxy.close());
  other = await startService(database.url, { SEGMENT_BITS: String(SEGMENT_BITS), RATE_LIMIT: '0' });
});

/** What a connection has sent. */
interface Sent {
  reader: MessageReader;
  /** The statement that its messages are about. */
  statement: string;
}

const connections = new Map<Pair, Sent>();
const steps = new Set<string>();
let onStep: ((step: string) => void) | undefined;

/** Stops the victim behind the first message of a new kind, once `onStep` waits for one. */
function watch(pair: Pair, bytes: Buffer): number | undefined {
  const sent = connections.get(pair) ?? { reader: new MessageReader({ isClient: true }), statement: '' };
  connections.set(pair, sent);
  for (const { type, start, end } of sent.reader.read(bytes)) {
    if (type === 'P' || type === 'Q') sent.statement = statementAt(bytes, start, end);
    const step = `${type} of ${sent.statement}`;
    if (!onStep || type === '' || steps.has(step)) continue;
    steps.add(step);
    if (!isInRun()) continue;
    // What is behind the message is still to come.
    if (end < bytes.length) sent.reader = new MessageReader({ isClient: false });
    victim.stand();
    onStep(step);
    onStep = undefined;
    return Math.min(end, bytes.length);
  }
  return undefined;
}

// Numbers tell segments and prepared statements apart, and not kinds.
function statementAt(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start + 5, Math.min(end, start + 120));
  return text.replaceAll(/[^ -~]|\d/g, '').trim();
}

test('an instance that stops behind any message of an append keeps no append of another waiting for ten seconds', async () => {
  // From the first message of each connection on.
  proxy.onSent = watch;
  victim = await startVictim(database, proxy, { CHECKPOINT_INTERVAL_MS: '3600000' });
  const waits: { step: string; ms: number }[] = [];
  for (let append = 0, without = 0; without < APPENDS_WITHOUT; append += 1) {
    const batch = { action: 'silence', size: EVENTS, key: `silence/${append}` };
    // Another was faster every other time: then the victim takes the lock of the head.
    if (append % 2 === 0)
      expect((await record(other.url, { action: 'faster', size: 1 })).errors).toBeUndefined();
    const stopped = new Promise<string>((resolve) => {
      onStep = resolve;
    });
    const answered = record(victim.url, batch);
    const step = await Promise.race([stopped, answered.then(() => undefined)]);
    onStep = undefined;
    without = step === undefined ? without + 1 : 0;
    if (step !== undefined) {
      const sent = performance.now();
      expect((await record(other.url, batch)).errors, step).toBeUndefined();
      waits.push({ step, ms: Math.round(performance.now() - sent) });
      victim.goOn();
    }
    const code = (await answered).errors?.[0]?.extensions.code;
    // The cause of another error is only in the log of the victim.
    expect([undefined, 'UNAVAILABLE'], `${step}\n${victim.program.said().slice(-5_000)}`).toContain(code);
  }
  const [longest] = waits.toSorted((a, b) => b.ms - a.ms);
  console.info(
    `stopped behind ${waits.length} messages: longest append of another ${longest?.ms} ms, behind ${longest?.step}`,
  );
  victim.program.child.kill('SIGTERM');
  expect((await victim.program.ended).code).toBe(0);
  const met = [...steps].join('\n');
  expect(EXPECTED.filter((part) => !met.includes(part))).toEqual([]);
  expect(waits.filter(({ ms }) => ms >= 10_000)).toEqual([]);
}, 1_800_000);
