import { SingleBar } from 'cli-progress';
import type { Child } from './child.ts';
import { CUSTOMERS, customerOf, networkOf } from './events.ts';
import { graphqlRequest } from './http-client.ts';
import { KEY, type Lab, openLab } from './lab.ts';
import { run } from './load.ts';
import { type Options, readOptions } from './options.ts';
import { createProgress } from './progress.ts';
import { numbers, requests } from './requests.ts';

const BATCH = 500;
const CONNECTIONS = 4;
const DAY_MS = 86_400_000;
const SPAN_DAYS = 90;
/** At which shares of all events it stops to measure. */
const STOPS = [0.1, 0.2, 0.5, 1];
const ASKED = 60;
/** Width of a column. */
const COLUMN = 15;
const EVERYTHING = { startTime: '2000-01-01T00:00:00Z', endTime: '2100-01-01T00:00:00Z' };

const LIST = `query List($filter: AuditEventFilter) {
  auditEvents(filter: $filter, first: 50) { edges { cursor node { id timestamp eventType userId action description details } } }
}`;
const SUMMARY = `query Summary($startTime: DateTime, $endTime: DateTime, $filter: AuditEventFilter) {
  auditSummary(startTime: $startTime, endTime: $endTime, filter: $filter) {
    totalEvents byType { eventType count } byOutcome { outcome count } bySeverity { severity count }
  }
}`;

/** What is asked at every stop; the p50 of each is a column. */
const QUESTIONS: Record<string, (number: number) => [query: string, variables: object]> = {
  page: (n) => [LIST, { filter: { customerId: customerOf(n % CUSTOMERS) } }],
  words: (n) => [LIST, { filter: { search: `billing invoice ${n}` } }],
  cidr: (n) => [LIST, { filter: { ipAddress: networkOf(n) } }],
  details: (n) => [LIST, { filter: { details: { incident: `inc-${n}` } } }],
  summary: () => [SUMMARY, EVERYTHING],
  'last day': () => [SUMMARY, {}],
  'of a customer': (n) => [SUMMARY, { ...EVERYTHING, filter: { customerId: customerOf(n % CUSTOMERS) } }],
};

/** Fills a new log through the API at full speed and prints, at a few sizes, how fast it is. */
async function measureScale(lab: Lab, rows: number): Promise<void> {
  const databaseUrl = await lab.createDatabase('scale');
  const service = await lab.startService(databaseUrl);
  const client = await lab.connect(databaseUrl);
  // Each line at once: a run takes long.
  print(['events', 'appended/s', ...Object.keys(QUESTIONS), 'service MB', 'database MB']);
  const bar = new SingleBar({
    format: '[{bar}] {value} of {total} events, {eta_formatted} left',
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  bar.start(rows, 0);
  let sent = 0;
  for (const share of STOPS) {
    const size = Math.round(rows * share);
    const count = size - sent;
    const started = performance.now();
    sent = await fill(service, { from: sent, size, rows }, (done) => bar.update(done));
    const seconds = (performance.now() - started) / 1_000;
    const times = await askAll(service);
    const { rows: stored } = await client.query('SELECT pg_database_size(current_database()) AS bytes');
    print([
      size.toLocaleString('en-US'),
      Math.round(count / seconds).toLocaleString('en-US'),
      ...times.map((time) => time.toFixed(1)),
      megabytes(service.stat().residentBytes),
      megabytes(Number(stored[0].bytes)),
    ]);
  }
  bar.stop();
}

function print(cells: readonly string[]): void {
  process.stdout.write(`${cells.map((cell) => cell.padStart(COLUMN)).join('')}\n`);
}

// The timestamps are spread evenly over the last 90 days, as if the log had grown for so long.
async function fill(
  service: Child,
  { from, size, rows }: { from: number; size: number; rows: number },
  tell: (sent: number) => void,
): Promise<number> {
  const start = Date.now() - SPAN_DAYS * DAY_MS;
  const extraOf = (number: number) => ({
    timestamp: new Date(start + (number / rows) * SPAN_DAYS * DAY_MS).toISOString(),
  });
  let sent = from;
  await run({
    urls: [service.url],
    connections: CONNECTIONS,
    next(url) {
      if (sent >= size) return undefined;
      const first = sent;
      sent = Math.min(size, sent + BATCH);
      tell(sent);
      return requests.batch({ url, key: KEY }, first, sent - first, extraOf);
    },
  });
  return sent;
}

async function askAll(service: Child): Promise<number[]> {
  const times: number[] = [];
  for (const question of Object.values(QUESTIONS)) {
    const asked = numbers(1, ASKED).map((n) =>
      graphqlRequest({ url: service.url, key: KEY }, ...question(n * 7)),
    );
    const { p50 } = await run({ urls: [service.url], connections: 1, next: () => asked.pop() });
    times.push(p50);
  }
  return times;
}

function megabytes(bytes: number): string {
  return Math.round(bytes / 1_000_000).toLocaleString('en-US');
}

async function main(options: Options): Promise<void> {
  const lab = await openLab(options, createProgress(true));
  const end = () => void lab.closers.close().finally(() => process.exit(1));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    await measureScale(lab, options.rows);
  } finally {
    await lab.closers.close();
  }
}

try {
  const options = readOptions(['--rows', '10000000', ...process.argv.slice(2)]);
  if (options) await main(options);
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
