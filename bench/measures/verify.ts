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
const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
const CHECKPOINT = '{ checkpoint { treeSize note verifierKey } }';

/** `audit-log verify export` of the whole log, from the start of its process to its end. */
export async function measureVerify(lab: Lab, loads: Loads): Promise<Entry[]> {
  const loaded = await loads.of(lab.options.rows);
  const { note, verifierKey } = await checkpointOfAll(loaded);
  const file = join(lab.folder, 'events.ndjson');
  const checkpointFile = join(lab.folder, 'checkpoint.txt');
  writeFileSync(checkpointFile, note);
  const out = createWriteStream(file);
  await download(loaded.service.url, (bytes) => out.write(bytes));
  await finished(out.end());
  const results = await inTurn(
    lab.options.rounds,
    {
      async verify() {
        const start = performance.now();
        await promisify(execFile)(process.execPath, [
          PROGRAM,
          ...['verify', 'export', file, '--checkpoint', checkpointFile, '--key', verifierKey],
        ]);
        return loaded.rows / ((performance.now() - start) / 1_000);
      },
    },
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

interface Checkpoint {
  treeSize: number;
  note: string;
  verifierKey: string;
}

async function checkpointOfAll({ service, rows }: Loaded): Promise<Checkpoint> {
  for (;;) {
    const { checkpoint } = await askOne<{ checkpoint: Checkpoint | null }>(service.url, CHECKPOINT);
    if (checkpoint && checkpoint.treeSize >= rows) return checkpoint;
    await setTimeout(POLL_MS);
  }
}
