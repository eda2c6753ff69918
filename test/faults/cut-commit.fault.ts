import { expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { type CutProxy, type OnData, type Pair, startProxy } from './proxy.ts';
import { runsOf } from './runs.ts';
import { expectWritten, startWriters } from './writers.ts';

const FULL_CUTS = 300;
const WRITERS = 6;
// The share of the commits that are cut, so that others come through between them.
const SHARE = 0.25;
// The end of a COPY, and the text of a COMMIT: what follows is the commit.
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
const COMMIT = Buffer.from('COMMIT\0');

/** Where a connection is cut. */
const MOMENTS = [
  'before the commit is sent',
  'when it is sent',
  'before its answer',
  'behind a part of the answer',
] as const;
type Moment = (typeof MOMENTS)[number];

let database: TestDatabase;
let proxy: CutProxy;
let services: TestService[];
const cuts = new Map<Moment, number>();
const awaiting = new Map<Pair, Moment>();
let isCutting = false;

const NOTHING = Buffer.alloc(0);

function cut(pair: Pair, moment: Moment): Buffer {
  cuts.set(moment, (cuts.get(moment) ?? 0) + 1);
  awaiting.delete(pair);
  pair.cut();
  return NOTHING;
}

// What was written has left for the other side when an immediate runs.
function cutSoon(pair: Pair, moment: Moment): void {
  setImmediate(() => awaiting.has(pair) && cut(pair, moment));
}

const onUp: OnData = (data, pair) => {
  const isCommit = data.includes(COPY_DONE) || data.includes(COMMIT);
  if (!isCutting || !isCommit || Math.random() > SHARE) return data;
  const moment = MOMENTS[Math.floor(Math.random() * MOMENTS.length)] as Moment;
  if (moment === 'before the commit is sent') return cut(pair, moment);
  awaiting.set(pair, moment);
  if (moment === 'when it is sent') cutSoon(pair, moment);
  return data;
};

const onDown: OnData = (data, pair) => {
  const moment = awaiting.get(pair);
  if (moment === undefined || moment === 'when it is sent') return data;
  if (moment === 'before its answer') return cut(pair, moment);
  cutSoon(pair, moment);
  return data.subarray(0, Math.floor(Math.random() * data.length));
};

test.beforeAll(async ({ later, createDatabase, startService }) => {
  database = await createDatabase();
  proxy = await startProxy(Number(new URL(database.url).port), { onUp, onDown });
  later(() => proxy.close());
  const url = new URL(database.url);
  url.port = String(proxy.port);
  const settings = { RATE_LIMIT: '0', SEGMENT_BITS: '12' };
  services = [await startService(url.href, settings), await startService(url.href, settings)];
});

test('connections of two instances are cut during COMMIT: nothing is lost, nothing is doubled', async () => {
  const wanted = runsOf(FULL_CUTS);
  const writers = startWriters(WRITERS, () => services.map(({ url }) => url));
  const count = () => [...cuts.values()].reduce((sum, n) => sum + n, 0);
  isCutting = true;
  while (count() < wanted) await writers.nextAnswer();
  isCutting = false;
  await writers.stop();
  await expectWritten(database.url, writers);
  expect([...writers.refusals.keys()].filter((code) => code !== 'UNAVAILABLE')).toEqual([]);
  console.info(
    `${count()} connections cut during COMMIT`,
    Object.fromEntries(cuts),
    `${writers.acknowledged.size} acknowledged events, refusals`,
    Object.fromEntries(writers.refusals),
  );
});
