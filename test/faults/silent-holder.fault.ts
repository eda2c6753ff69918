import pg, { type ClientBase, type Connection, type Submittable } from 'pg';
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { types } from '../../src/db/client-with-deadlines.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { StatementPipeline } from '../../src/db/statement-pipeline.ts';
import { checkEvent } from '../../src/events/validate.ts';
import { buildBatch } from '../../src/log/append/batch.ts';
import { prepareEvent } from '../../src/log/append/prepare-event.ts';
import { lockHead, readHead } from '../../src/log/head.ts';
import { Segments } from '../../src/log/segments.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import type { LogEventInput } from '../support/operations/generated/graphql.ts';
import { processOf } from '../support/processes.ts';
import { dataOf, startService, type TestService } from '../support/service.ts';
import { upTo } from '../support/write.ts';

/** Of a log with short segments. */
const SHORT_BITS = 8;
/** Beyond the end of the second segment of such a log. */
const EVENTS = 2.5 * 2 ** SHORT_BITS;

/** A log and an instance that appends to it. */
interface Log {
  database: TestDatabase;
  service: TestService;
  owner: Pool;
}

let usual: Log;
/** With segments that are shorter than a batch. */
let short: Log;

beforeAll(async () => {
  usual = await createLog({});
  short = await createLog({ SEGMENT_BITS: String(SHORT_BITS) });
});
afterAll(async () => {
  for (const { service, owner, database } of [usual, short]) {
    await service.stop();
    await owner.end();
    await database.drop();
  }
});

async function createLog(settings: Record<string, string>): Promise<Log> {
  const database = await createDatabase();
  const service = await startService(database.url, settings);
  return { database, service, owner: createPool(database.url, () => undefined) };
}

/** The connection of another instance, which says nothing more after what a test has it do. */
async function connectHolder({ database }: Log): Promise<pg.Client> {
  const connection = { connectionString: database.url, application_name: 'graphql-audit-log' };
  const holder = new pg.Client({ ...connection, types });
  holder.on('error', () => undefined);
  await holder.connect();
  await holder.query('SET ROLE audit_log_service');
  return holder;
}

/** Sends the statement without the end of the batch of messages: the server has done it, and waits for more. */
function sendUnfinished(client: ClientBase, sql: string): void {
  client.query({
    submit(connection: Connection) {
      for (const message of [
        serialize.parse({ text: sql }),
        serialize.bind({ values: [] }),
        serialize.execute(),
        serialize.flush(),
      ])
        connection.stream.write(message);
    },
    handleError: () => undefined,
    handleCommandComplete: () => undefined,
    handleRowDescription: () => undefined,
    handleDataRow: () => undefined,
    handleReadyForQuery: () => undefined,
  } as Submittable);
}

async function sendOpenCopy(client: ClientBase, { owner }: Log, isAhead: boolean): Promise<void> {
  const { frontier: tree, segmentBits } = await readHead(prismaOn(owner));
  // PostgreSQL inserts the rows of a COPY by the thousand.
  const events = upTo(1_500).map(() =>
    prepareEvent(checkEvent({ eventType: 'data.read', action: 'lost' }, 'input'), Date.now(), 'input'),
  );
  const segments = new Segments(owner, segmentBits);
  const request = { events, paths: ['input'] };
  const nothing = await buildBatch([], { tree, segments, db: owner });
  const batch = await buildBatch([request], {
    tree,
    segments,
    db: owner,
    ...(isAhead && { ahead: nothing }),
  });
  const pipeline = new StatementPipeline(batch.steps, { isHeldBack: true });
  pipeline.done.catch(() => undefined);
  client.query(pipeline);
}

/** Makes the second segment behind the one that is being filled: nobody has made it yet. */
async function sendMaking(client: ClientBase): Promise<void> {
  const { frontier } = await readHead(prismaOn(short.owner));
  const segment = Math.floor(frontier.size / 2 ** SHORT_BITS) + 2;
  sendUnfinished(client, `SELECT ensure_segment(${segment}, ${SHORT_BITS}::smallint)`);
}

async function takeHead(client: ClientBase): Promise<void> {
  await client.query('BEGIN');
  await lockHead(client);
}

const LOOK_UP = "SELECT FROM idempotency_keys WHERE (scope, key) = ('log', 'key of the silent')";

interface Step {
  name: string;
  log?: () => Log;
  send: (client: ClientBase, log: Log) => unknown;
}

const STEPS: readonly Step[] = [
  { name: 'with the lock of the head between two statements', send: takeHead },
  {
    name: 'with the lock of the head between two messages',
    send: (client) => sendUnfinished(client, 'SELECT FROM log_head FOR UPDATE'),
  },
  { name: 'while it makes a segment', log: () => short, send: sendMaking },
  {
    name: 'while it makes a segment, with the lock of the head',
    log: () => short,
    async send(client) {
      await takeHead(client);
      await sendMaking(client);
    },
  },
  {
    name: 'while it looks up keys, with the lock of the head',
    async send(client) {
      await takeHead(client);
      sendUnfinished(client, LOOK_UP);
    },
  },
  { name: 'in an open COPY with the head', send: (client, log) => sendOpenCopy(client, log, false) },
  {
    name: 'in an open COPY behind a batch that is committed',
    send: (client, log) => sendOpenCopy(client, log, true),
  },
];

/** Waits until the connection waits for its client and holds something of the log. */
async function untilHolding({ owner }: Log, holder: ClientBase): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await owner.query(
        `SELECT FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE pid = $1 AND wait_event = 'ClientRead'
           AND (mode IN ('RowShareLock', 'RowExclusiveLock') OR locktype = 'advisory')`,
        [processOf(holder)],
      );
      return rows.length;
    })
    .toBeGreaterThan(0);
}

/** Records events at the instance with keys; returns how long it took, in milliseconds. */
async function append({ service }: Log, action: string): Promise<number> {
  const input: LogEventInput[] = upTo(EVENTS).map((n) => ({
    eventType: 'DATA_READ',
    action,
    idempotencyKey: `${action}/${n}`,
  }));
  const start = performance.now();
  expect(dataOf(await service.ask(LOG_EVENTS, { input })).logEvents.recorded).toBe(EVENTS);
  const waitedMs = performance.now() - start;
  console.info(`waited ${Math.round(waitedMs)} ms`);
  return waitedMs;
}

test.each(STEPS)(
  'an instance that stands still $name: no append of another waits ten seconds for it',
  async ({ name, log = () => usual, send }) => {
    const holder = await connectHolder(log());
    const ended = new Promise((resolve) => holder.once('end', resolve));
    await send(holder, log());
    await untilHolding(log(), holder);
    expect(await append(log(), name)).toBeLessThan(10_000);
    await ended;
  },
);

test('an instance that stands still while it looks up keys without a lock keeps no append of another waiting', async () => {
  const holder = await connectHolder(usual);
  sendUnfinished(holder, LOOK_UP);
  const locks = async () => {
    const { rows } = await usual.owner.query(
      "SELECT FROM pg_locks WHERE pid = $1 AND relation = 'idempotency_keys'::regclass",
      [processOf(holder)],
    );
    return rows.length;
  };
  await expect.poll(locks).toBe(1);
  expect(await append(usual, 'beside it')).toBeLessThan(10_000);
  // Nobody waited for it, so it was not ended.
  expect(await locks()).toBe(1);
  await holder.end();
});
