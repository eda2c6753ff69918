import { once } from 'node:events';
import { afterAll, expect } from 'vitest';
import { type ChildService, startChildService } from '../support/child-service.ts';
import type { TestDatabase } from '../support/database.ts';
import { connectSocket, type RawSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';
import { logWarnings, upTo } from '../support/write.ts';

const SUBSCRIBERS = 60;
const ROUNDS = 30;
const EVENTS = 100;
const TEXT = 'x '.repeat(1_000);
const ALERTS = 'subscription { securityAlerts { node { position details } } }';

let database: TestDatabase;
let service: ChildService;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
  service = await startChildService(database.url, { RATE_LIMIT: '0' });
});
afterAll(async () => {
  await service.stop();
});

async function subscribe(): Promise<RawSocket> {
  const raw = await connectSocket(service.url);
  raw.send({ type: 'subscribe', id: '1', payload: { query: ALERTS } });
  return raw;
}

/** The time from each write to the last of its events at a client that reads, in milliseconds. */
async function writeRounds(reader: RawSocket, prefix: string): Promise<number[]> {
  const times: number[] = [];
  for (const round of upTo(ROUNDS)) {
    const sent = performance.now();
    const written = logWarnings(service, EVENTS, {
      prefix: `${prefix}${round}/`,
      more: { details: { text: TEXT } },
    });
    for (let n = 0; n < EVENTS; ) if ((await reader.next()).type === 'next') n += 1;
    times.push(performance.now() - sent);
    await written;
  }
  return times;
}

const at = (times: number[], part: number) =>
  Math.round([...times].sort((a, b) => a - b)[Math.floor(times.length * part)] ?? 0);
const show = (times: number[]) => `${at(times, 0.5)}/${at(times, 0.99)} ms`;

test('subscribers that do not read cost a megabyte each at most, also while their buffers fill', async () => {
  const reader = await subscribe();
  await writeRounds(reader, 'warm');
  const alone = await writeRounds(reader, 'alone');
  // What as many cost that take what they are sent.
  const others = await Promise.all(upTo(SUBSCRIBERS).map(subscribe));
  for (const { socket } of others) socket.removeAllListeners('message');
  const besideReading = await writeRounds(reader, 'reading');
  const left = others.map(({ socket }) => once(socket, 'close'));
  for (const { socket } of others) socket.terminate();
  await Promise.all(left);
  const idle = await service.memory();
  const unread = await Promise.all(upTo(SUBSCRIBERS).map(subscribe));
  for (const { socket } of unread) socket.pause();
  const besideUnread = await writeRounds(reader, 'unread');
  // Not while the times are taken: it collects garbage first.
  const most = await service.memory();
  const each = (most - idle) / SUBSCRIBERS;
  console.info(
    `each unread subscriber: ${Math.round(each / 1_000)} kB at most; delivery p50/p99 alone ${show(alone)}, ` +
      `beside ${SUBSCRIBERS} that read ${show(besideReading)}, beside ${SUBSCRIBERS} that do not ${show(besideUnread)}`,
  );
  for (const { socket } of [reader, ...unread]) socket.terminate();
  expect(each).toBeLessThan(1_048_576);
}, 300_000);
