import { once } from 'node:events';
import { afterAll, describe, expect, vi } from 'vitest';
import { createOutputBuffer } from '../../src/server/load-limits.ts';
import { type ChildService, startChildService } from '../support/child-service.ts';
import type { TestDatabase } from '../support/database.ts';
import { dataOf } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';
import { answerOf, openRaw, requestText } from './raw.ts';

const KEPT_BYTES = 45_000_000;
/** Their pages together are more than may be kept. */
const READERS = 7;
const PAGE = '{ auditEvents(first: 1000) { edges { node { details } } } }';
interface Page {
  auditEvents: { edges: object[] };
}

let database: TestDatabase;
let service: ChildService;
let atFirst: number;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
  service = await startChildService(database.url, { MAX_UNSENT_BYTES: '16000000' });
  const details = { text: 'x'.repeat(60_000) };
  const input = Array.from({ length: 130 }, () => ({ eventType: 'DATA_READ', details }));
  const { errors } = await service.ask(
    'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }',
    { input },
  );
  expect(errors).toBeUndefined();
  await service.ask(PAGE);
  atFirst = await service.memory();
});
afterAll(async () => {
  await service.stop();
});

const littleKept = () =>
  vi.waitFor(async () => expect((await service.memory()) - atFirst).toBeLessThan(KEPT_BYTES), 10_000);

async function expectGoodWill(): Promise<void> {
  expect(dataOf(await service.ask<Page>(PAGE)).auditEvents.edges).toHaveLength(130);
}

describe('whoever asks for pages of 8 MB and does not read', () => {
  test('over HTTP is cut when others ask, and holds no memory', async () => {
    const clients = [];
    for (let n = 0; n < READERS; n += 1) {
      const socket = await openRaw(service.url);
      const body = JSON.stringify({ query: PAGE });
      socket.pause();
      socket.write(requestText({ connection: undefined }, body));
      clients.push(socket);
      // One page after the other: the next is asked for when this one has begun to arrive.
      await once(socket, 'readable');
    }
    await littleKept();
    await expectGoodWill();
    for (const client of clients) client.destroy();
  });

  test('over WebSocket likewise', async () => {
    const raw = await connectSocket(service.url);
    raw.socket.pause();
    for (let id = 0; id < READERS; id += 1)
      raw.send({ type: 'subscribe', id: String(id), payload: { query: PAGE } });
    await expectGoodWill();
    await littleKept();
    raw.socket.resume();
    expect(await raw.closed).toBe(1006);
  });
});

describe('clients that ask for pages of 8 MB and leave', () => {
  test('do not cost a slow reader its page', async ({ createPool }) => {
    const slow = await openRaw(service.url);
    slow.pause();
    slow.write(requestText({}, JSON.stringify({ query: PAGE })));
    await once(slow, 'readable');
    const holder = await createPool(database.url, () => undefined).connect();
    for (let n = 0; n < 3; n += 1) {
      const client = await openRaw(service.url);
      await holder.query('BEGIN; LOCK TABLE audit_events');
      client.write(requestText({}, JSON.stringify({ query: PAGE })));
      await vi.waitFor(async () => {
        const { rows } = await holder.query(
          "SELECT 1 FROM pg_locks WHERE relation = 'audit_events'::regclass AND NOT granted",
        );
        expect(rows).not.toEqual([]);
      }, 10_000);
      client.resetAndDestroy();
      await service.memory();
      await holder.query('ROLLBACK');
      // An answer to a later request on the same rows comes after that of the client that has left.
      await service.ask('{ auditEvents(first: 1) { edges { node { id } } } }');
    }
    holder.release();
    const { body } = await answerOf(slow);
    expect(JSON.parse(body).data.auditEvents.edges).toHaveLength(130);
  });
});

describe('what is not sent yet', () => {
  test('is bounded together; the oldest is cut, never the one that is asked for last', () => {
    const cut: string[] = [];
    const { hold } = createOutputBuffer(100_000);
    const wait = (name: string, bytes: number) => hold(bytes, () => cut.push(name));
    const first = wait('first', 40_000);
    wait('second', 40_000);
    first();
    first();
    wait('third', 60_000);
    expect(cut).toEqual([]);
    wait('small', 1_000);
    wait('fourth', 30_000);
    expect(cut).toEqual(['second']);
    wait('large', 500_000);
    expect(cut).toEqual(['second', 'third', 'fourth']);
    wait('last', 20_000);
    expect(cut).toEqual(['second', 'third', 'fourth', 'large']);
  });
});
