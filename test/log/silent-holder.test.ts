import pg, { type Connection, type PoolClient, type Submittable } from 'pg';
import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pipeline } from '../../src/db/pipeline.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { checkEvent } from '../../src/events/input.ts';
import { buildBatch } from '../../src/log/build-batch.ts';
import { readHead } from '../../src/log/head.ts';
import { prepareEvent } from '../../src/log/prepare.ts';
import { Segments } from '../../src/log/segments.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import type { LogEventInput } from '../support/operations/generated/graphql.ts';
import { dataOf, startService, type TestService } from '../support/service.ts';
import { upTo } from '../support/write.ts';

let database: TestDatabase;
let service: TestService;
let owner: Pool;

beforeAll(async () => {
  database = await createDatabase();
  service = await startService(database.url);
  owner = createPool(database.url, () => undefined);
});
afterAll(async () => {
  await service.stop();
  await owner.end();
  await database.drop();
});

/** The connection of another instance, which says nothing more after what a test has it do. */
async function connectHolder(): Promise<PoolClient> {
  const holder = new pg.Client({ connectionString: database.url, application_name: 'graphql-audit-log' });
  holder.on('error', () => undefined);
  await holder.connect();
  await holder.query('SET ROLE audit_log_service');
  return holder as unknown as PoolClient;
}

/** Sends the statement without the end of the batch of messages: the server has done it, and waits for more. */
function sendUnfinished(client: PoolClient, sql: string): void {
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

async function sendOpenCopy(client: PoolClient, isAhead: boolean): Promise<void> {
  const { frontier: tree, segmentBits } = await readHead(owner);
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
  const pipeline = new Pipeline(batch.steps, { isHeldBack: true });
  pipeline.done.catch(() => undefined);
  client.query(pipeline);
}

const STEPS: Record<string, (client: PoolClient) => unknown> = {
  'with the lock of the head between two statements': async (client) => {
    await client.query('BEGIN');
    await readHead(client, { lock: true });
  },
  'with the lock of the head between two messages': (client) =>
    sendUnfinished(client, 'SELECT FROM log_head FOR UPDATE'),
  'in an open COPY with the head': (client) => sendOpenCopy(client, false),
  'in an open COPY behind a batch that is committed': (client) => sendOpenCopy(client, true),
};

/** Waits until the connection waits for its client and holds something of the log. */
async function untilHolding({ processID }: { processID?: number }): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await owner.query(
        `SELECT FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE pid = $1 AND wait_event = 'ClientRead'
           AND mode IN ('RowShareLock', 'RowExclusiveLock')`,
        [processID],
      );
      return rows.length;
    })
    .toBeGreaterThan(0);
}

test.each(Object.keys(STEPS))(
  'an instance that stands still %s: no append of another waits ten seconds for it',
  async (step) => {
    const holder = await connectHolder();
    const ended = new Promise((resolve) => holder.once('end', resolve));
    await STEPS[step]?.(holder);
    await untilHolding(holder as { processID?: number });
    const start = performance.now();
    const input: LogEventInput[] = [{ eventType: 'DATA_READ', action: step }];
    const { logEvents } = dataOf(await service.ask(LOG_EVENTS, { input }));
    const waitedMs = performance.now() - start;
    console.info(`waited ${Math.round(waitedMs)} ms`);
    expect(logEvents.results.map(({ status }) => status)).toEqual(['RECORDED']);
    expect(waitedMs).toBeLessThan(10_000);
    await ended;
  },
);
