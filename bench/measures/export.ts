import type { Client } from 'pg';
import type { Child } from '../child.ts';
import { download } from '../download.ts';
import { type Entry, entry } from '../entry.ts';
import type { Lab } from '../lab.ts';
import { median } from '../load.ts';
import type { Loads } from '../loaded.ts';
import { inTurn } from '../rounds.ts';

const SAMPLE_MS = 50;
const MEGABYTE = 1_048_576;
const MOST_GROWTH = 64;
const LINE_FEED = 10;

/** The whole log as NDJSON over HTTP, against COPY of the same rows into nothing; and the memory that it takes. */
export async function measureExport(lab: Lab, loads: Loads): Promise<Entry[]> {
  const { databaseUrl, service, rows } = await loads.of(lab.options.rows);
  const client = await lab.connect(databaseUrl);
  // Buffers and compiled code that stay have to be there before the growth counts.
  await exported(service, rows);
  const before = service.stat().residentBytes;
  let most = before;
  const sampling = setInterval(() => {
    most = Math.max(most, service.stat().residentBytes);
  }, SAMPLE_MS);
  try {
    const results = await inTurn(
      lab.options.rounds,
      { service: () => exported(service, rows), copy: () => copied(client, rows) },
      (name, round) => lab.progress.say(`export, round ${round}: ${name}`),
    );
    return [
      entry({
        name: 'export',
        unit: 'events/s',
        against: "COPY of the same rows TO '/dev/null'",
        value: median(results.service),
        reference: median(results.copy),
        goal: 0.7,
        wants: 'at least',
      }),
      entry({
        name: 'export/memory',
        unit: 'MB more resident than before',
        against: `${MOST_GROWTH} MB`,
        value: Math.max(0, most - before) / MEGABYTE,
        reference: MOST_GROWTH,
        goal: 1,
        wants: 'at most',
      }),
    ];
  } finally {
    clearInterval(sampling);
  }
}

/** The events per second of an export of the whole log. */
export async function exported(service: Child, rows: number): Promise<number> {
  const start = performance.now();
  let last = 0;
  let bytes = 0;
  await download(service.url, (chunk) => {
    bytes += chunk.length;
    last = chunk.at(-1) ?? last;
  });
  const elapsed = (performance.now() - start) / 1_000;
  if (last !== LINE_FEED || bytes < rows * 500) throw new Error(`the export is not whole: ${bytes} bytes`);
  return rows / elapsed;
}

async function copied(client: Client, rows: number): Promise<number> {
  const start = performance.now();
  await client.query("COPY (SELECT * FROM audit_events) TO '/dev/null'");
  return rows / ((performance.now() - start) / 1_000);
}
