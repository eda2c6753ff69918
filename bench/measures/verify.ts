import { execFile } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { askOne, download } from '../download.ts';
import { type Entry, entry } from '../entry.ts';
import type { Lab } from '../lab.ts';
import { median } from '../load.ts';
import type { Loaded, Loads } from '../loaded.ts';
import { inTurn } from '../rounds.ts';

const WANTED = 200_000;
const POLL_MS = 200;
const ROOT = join(import.meta.dirname, '../..');
const CHECKPOINT = '{ checkpoint { treeSize note verifierKey } }';

/** `audit-log verify export` of the whole log, from the start of its process to its end. */
export async function measureVerify(lab: Lab, loads: Loads): Promise<Entry[]> {
  const loaded = await loads.of(lab.options.rows);
  const files = await saveExport(lab, loaded, 'events');
  const results = await inTurn(
    lab.options.rounds,
    { verify: () => verified({ rows: loaded.rows, given: ['export', ...files] }) },
    (name, round) => lab.progress.say(`verify, round ${round}: ${name}`),
  );
  return [
    entry({
      name: 'verify',
      unit: 'leaves/s of an NDJSON export, offline',
      against: `${WANTED.toLocaleString('en-US')} leaves/s`,
      value: median(results.verify),
      reference: WANTED,
      goal: 1,
      wants: 'at least',
    }),
  ];
}

/** Downloads the whole log and a checkpoint of it: the arguments for `audit-log verify export`. */
export async function saveExport(
  lab: Lab,
  log: Pick<Loaded, 'service' | 'rows'>,
  name: string,
): Promise<string[]> {
  const { note, verifierKey } = await checkpointOfAll(log);
  const file = join(lab.folder, `${name}.ndjson`);
  const checkpointFile = join(lab.folder, `${name}.checkpoint.txt`);
  writeFileSync(checkpointFile, note);
  const out = createWriteStream(file);
  await download(log.service.url, (bytes) => out.write(bytes));
  await finished(out.end());
  return [file, '--checkpoint', checkpointFile, '--key', verifierKey];
}

/** The events per second of `audit-log verify`, as it is built here or in another checkout, with these arguments. */
export async function verified({
  rows,
  given,
  root = ROOT,
  environment = {},
}: {
  rows: number;
  given: readonly string[];
  root?: string;
  environment?: Record<string, string>;
}): Promise<number> {
  const start = performance.now();
  await promisify(execFile)(process.execPath, [join(root, 'dist/cli/main.js'), 'verify', ...given], {
    env: { ...process.env, ...environment },
  });
  return rows / ((performance.now() - start) / 1_000);
}

interface Checkpoint {
  treeSize: number;
  note: string;
  verifierKey: string;
}

async function checkpointOfAll({ service, rows }: Pick<Loaded, 'service' | 'rows'>): Promise<Checkpoint> {
  for (;;) {
    const { checkpoint } = await askOne<{ checkpoint: Checkpoint | null }>(service.url, CHECKPOINT);
    if (checkpoint && checkpoint.treeSize >= rows) return checkpoint;
    await setTimeout(POLL_MS);
  }
}
