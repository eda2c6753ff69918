import { join } from 'node:path';
import pg from 'pg';
import type { Prisma } from '../src/db/generated/client.ts';
import { createPool } from '../src/db/pool.ts';
import { prismaOn } from '../src/db/prisma.ts';
import { type Reads, statementName } from '../src/db/queries.ts';
import { checkFilter, type FilterInput } from '../src/events/filter.ts';
import {
  readCheckpointAt,
  readCosignedCheckpoint,
  readLatestCheckpoint,
} from '../src/evidence/checkpoints.ts';
import { readTrees, tileReader } from '../src/evidence/trees.ts';
import { listEvents, readEvents, readPositions, readRange, readTail } from '../src/log/read/events.ts';
import type { EventOrder } from '../src/log/read/pages.ts';
import { countBy, countEvents } from '../src/log/summary/group-by.ts';
import { Summary } from '../src/log/summary/summary.ts';
import { TILE_WIDTH, tileWidth } from '../src/merkle/tile.ts';
import { customerOf, eventOf, networkOf } from './events.ts';
import { openLab } from './lab.ts';
import { median } from './load.ts';
import { readOptions } from './options.ts';
import { createProgress } from './progress.ts';

// The plans of the statements that clients wait for, all prepared ones among them, on a log of many segments: with a plan for
// the values of each execution (what PostgreSQL makes for a statement that is not prepared), and with one plan for all values
// (what it may come to use for a prepared one). `npm run bench:plans`; the options are those of the benchmark.

const SEGMENT_BITS = 12;
const BATCH = 500;
const DAY_MS = 86_400_000;
const SPAN_DAYS = 90;
const EXECUTIONS = 7;

/** Planning and execution, in milliseconds: medians. */
interface Cost {
  planning: number;
  execution: number;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) return;
  const lab = await openLab(options, createProgress(options.isJson));
  const end = () => void lab.closers.close().finally(() => process.exit(1));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    const databaseUrl = await lab.createDatabase('plans');
    await fill(databaseUrl, join(lab.folder, 'log'), options.rows);
    const pool = createPool(databaseUrl, () => undefined);
    lab.closers.add(pool, () => pool.end());
    await pool.query('VACUUM ANALYZE');
    const client = await lab.connect(databaseUrl);
    const lines: string[][] = [];
    for (const [name, read] of Object.entries(await readsOf(prismaOn(pool), options.rows))) {
      for (const sql of await statementsOf(prismaOn(pool), read)) {
        const [own, general] = [await costOf(client, sql, 'custom'), await costOf(client, sql, 'generic')];
        const isPrepared = statementName({ sql: sql.text }) !== '';
        lines.push([name, isPrepared ? 'prepared' : '', ...shown(own), ...shown(general)]);
      }
    }
    const head = ['statement', 'is', 'own plan', 'own run', 'general plan', 'general run'];
    process.stdout.write(`${table([head, ...lines])}\n`);
  } finally {
    await lab.closers.close();
  }
}

async function fill(databaseUrl: string, dataDir: string, rows: number): Promise<void> {
  const built = new URL('../dist/index.js', import.meta.url).href;
  const { createAuditLog } = (await import(built)) as typeof import('../src/index.ts');
  const log = await createAuditLog({ databaseUrl, dataDir, settings: { SEGMENT_BITS } });
  const start = Date.now() - SPAN_DAYS * DAY_MS;
  for (let first = 0; first < rows; first += BATCH) {
    const events = Array.from({ length: Math.min(BATCH, rows - first) }, (_, at) => ({
      ...eventOf(first + at),
      timestamp: start + ((first + at) / rows) * SPAN_DAYS * DAY_MS,
    }));
    const logged = await log.logMany(events);
    // A proof waits until the tree has grown and a checkpoint is signed.
    if (first + BATCH >= rows) await log.prove(logged.at(-1)?.event?.id ?? '');
  }
  await log.close();
}

type Read = (db: Reads) => Promise<unknown>;

/** What clients ask for, by the functions that answer them. */
async function readsOf(db: Reads, rows: number): Promise<Record<string, Read>> {
  const now = Date.now();
  const [event] = await readRange(db, { start: rows >> 1, end: rows, limit: 1, filters: [] });
  const list = (input: FilterInput, order: EventOrder = 'TIMESTAMP_DESC', after = false): Read => {
    const cursor = after && event ? { timestamp: event.timestamp, position: event.position } : undefined;
    const filter = checkFilter(input, { filter: (one) => one });
    return (reads) =>
      listEvents(reads, { filters: [filter], order, limit: 50, isBackward: false, after: cursor });
  };
  const month = { startTime: now - 40 * DAY_MS, endTime: now - 10 * DAY_MS };
  const customerId = customerOf(0);
  return {
    'page of a customer': list({ customerId }),
    'page of a customer, from the middle': list({ customerId }, 'TIMESTAMP_DESC', true),
    'page of a user in a month': list({ userId: event?.userId ?? '', ...month }),
    'page of all': list({}),
    'page of all by position': list({}, 'POSITION_DESC'),
    'page of a type and an outcome': list({ eventTypes: ['auth.login_failed'], outcomes: ['failure'] }),
    'page of a resource': list({
      resourceType: event?.resourceType ?? '',
      resourceId: event?.resourceId ?? '',
    }),
    words: list({ search: 'invoice' }),
    network: list({ ipAddress: networkOf(3) }),
    'address of one event': list({ ipAddress: event?.ipAddress ?? '' }),
    'by id': (reads) => readEvents(reads, [event?.id ?? ''], []),
    'by position': (reads) => readPositions(reads, [10, rows >> 1]),
    feed: (reads) => readTail(reads, rows - 100, rows, 100),
    'feed with a filter, catching up': (reads) =>
      readRange(reads, { start: rows >> 1, end: rows, limit: 500, filters: [{ customerId }] }),
    summary: (reads) => new Summary(reads, [{}], now).byType(),
    'summary of a customer in a month': (reads) =>
      new Summary(reads, [{ customerId, ...month }], now).byType(),
    'count that the counters do not have': (reads) =>
      countEvents(reads, [{ customerId, action: 'data:read' }]),
    'top users': (reads) => countBy(reads, [month], 'userId', 10),
    tree: (reads) => readTrees(reads, ['log']),
    tile: (reads) => {
      const index = Math.floor(rows / 2 / TILE_WIDTH);
      return tileReader(reads, 'log')([{ level: 0, index, width: tileWidth(0, index, rows) }]);
    },
    'latest checkpoint': (reads) => readLatestCheckpoint(reads, 'log'),
    'checkpoint of a size': (reads) => readCheckpointAt(reads, 'log', rows),
    'cosigned checkpoint': (reads) => readCosignedCheckpoint(reads, 1),
  };
}

/** The statements that a read sends. */
async function statementsOf(db: Reads, read: Read): Promise<Prisma.Sql[]> {
  const sent: Prisma.Sql[] = [];
  await read({
    $queryRaw: <Rows>(sql: Prisma.Sql) => {
      sent.push(sql);
      return db.$queryRaw<Rows>(sql);
    },
  });
  return sent;
}

/** The cost of a prepared statement under `plan_cache_mode`, without the first execution, which fills caches. */
async function costOf(client: pg.Client, sql: Prisma.Sql, mode: 'custom' | 'generic'): Promise<Cost> {
  prepared += 1;
  await client.query(`SET plan_cache_mode = force_${mode}_plan`);
  await client.query(`PREPARE statement_${prepared} AS ${sql.text}`);
  const given = sql.values.length > 0 ? `(${sql.values.map(literal)})` : '';
  const costs: Cost[] = [];
  for (let execution = 0; execution <= EXECUTIONS; execution += 1) {
    const { rows } = await client.query<{ 'QUERY PLAN': ExplainedPlan[] }>(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE statement_${prepared} ${given}`,
    );
    for (const explained of rows[0]?.['QUERY PLAN'] ?? [])
      costs.push({ planning: explained['Planning Time'], execution: explained['Execution Time'] });
  }
  const [, ...counted] = costs;
  return {
    planning: median(counted.map((one) => one.planning)),
    execution: median(counted.map((one) => one.execution)),
  };
}

function literal(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = Array.isArray(value) ? `{${value.map((one) => JSON.stringify(one))}}` : String(value);
  return pg.escapeLiteral(text);
}

let prepared = 0;

interface ExplainedPlan {
  'Planning Time': number;
  'Execution Time': number;
}

function shown({ planning, execution }: Cost): string[] {
  return [planning, execution].map((ms) => `${ms.toFixed(2)} ms`);
}

function table(lines: readonly string[][]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

await main();
