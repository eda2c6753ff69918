import { createInterface } from 'node:readline';
import { afterAll, expect } from 'vitest';
import { open } from '../log/exports/download.ts';
import { type ChildService, startChildService } from '../support/child-service.ts';
import type { TestDatabase } from '../support/database.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import { runsOf } from '../support/runs.ts';
import { dataOf } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { type EventStream, openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { logWarnings, upTo } from '../support/write.ts';

let database: TestDatabase;
let service: ChildService;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
  service = await startChildService(database.url);
});
afterAll(async () => {
  await service.stop();
});

const EVENTS = runsOf(20_000, 8_000);
/** Ten clients each do not read 40 MB, or 16 MB in `npm test`. */
const MOST_USED = 100_000_000;
/** Of a file of 50 MB, or 21 MB in `npm test`. */
const MOST_USED_BY_A_FILE = runsOf(20_000_000, 12_000_000);
const TEXT = 'x'.repeat(2_000);
const ALERTS = 'subscription { securityAlerts(after: "beginning") { node { position details } } }';

interface Alert {
  data: { securityAlerts: { node: { position: number } } };
}

/** A client that subscribes and reads nothing until `read` is called, which gives the positions of all events. */
interface StoppedReader {
  read(): Promise<number[]>;
  leave(): void;
}

async function stoppedSocket(): Promise<StoppedReader> {
  const { socket, send } = await connectSocket(service.url);
  send({ type: 'subscribe', id: '1', payload: { query: ALERTS } });
  socket.pause();
  const read = () =>
    new Promise<number[]>((resolve, reject) => {
      const positions: number[] = [];
      socket.on('close', (code) => reject(new Error(`closed with ${code}`)));
      socket.on('message', (data) => {
        const { payload } = JSON.parse(String(data)) as { payload: Alert };
        if (positions.push(payload.data.securityAlerts.node.position) === EVENTS) resolve(positions);
      });
      socket.resume();
    });
  return { read, leave: () => socket.terminate() };
}

async function stoppedStream(): Promise<StoppedReader> {
  const stream: EventStream = await openStream(service.url, ALERTS);
  const read = async () => {
    const positions: number[] = [];
    for await (const { data } of resultsOf<Alert>(stream)) {
      if (positions.push(data.securityAlerts.node.position) === EVENTS) break;
    }
    return positions;
  };
  return { read, leave: stream.disconnect };
}

test('clients that stop reading cost a bounded memory, and get every event once, in order, when they read on', async () => {
  const idle = await service.memory();
  const readers = await Promise.all(
    upTo(5).flatMap((): Promise<StoppedReader>[] => [stoppedSocket(), stoppedStream()]),
  );
  await logWarnings(service, EVENTS, { more: { details: { text: TEXT } } });
  const used = (await service.memory()) - idle;
  // Kept for each of them, it would be 400 MB, or 160 MB in `npm test`.
  expect(used).toBeLessThan(MOST_USED);
  const [socket, stream, ...others] = readers as [StoppedReader, StoppedReader, ...StoppedReader[]];
  for (const other of others) other.leave();
  expect(await socket.read()).toEqual(upTo(EVENTS));
  expect(await stream.read()).toEqual(upTo(EVENTS));
  socket.leave();
  stream.leave();
}, 120_000);

test('a file that is not read costs a bounded memory, and is whole when it is read on', async () => {
  const idle = await service.memory();
  const { url } = dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' })).auditExport;
  const { response } = await open(url);
  const lines = createInterface({ input: response })[Symbol.asyncIterator]();
  await lines.next();
  expect((await service.memory()) - idle).toBeLessThan(MOST_USED_BY_A_FILE);
  let rest = 0;
  for (let line = await lines.next(); !line.done; line = await lines.next()) rest += 1;
  expect(rest).toBe(EVENTS - 1);
});
