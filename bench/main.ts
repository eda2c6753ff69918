import { type Entry, jsonOf, tableOf } from './entry.ts';
import { type Lab, openLab } from './lab.ts';
import { Loads } from './loaded.ts';
import { measureAppend } from './measures/append.ts';
import { measureExport } from './measures/export.ts';
import { measureFeed } from './measures/feed.ts';
import { measureLibrary } from './measures/library.ts';
import { measureQuery } from './measures/query.ts';
import { measureStart } from './measures/start.ts';
import { measureSummary } from './measures/summary.ts';
import { measureVerify } from './measures/verify.ts';
import { type Group, type Options, readOptions } from './options.ts';
import { createProgress } from './progress.ts';

const MEASURES: Record<Group, (lab: Lab, loads: Loads) => Promise<Entry[]>> = {
  append: measureAppend,
  library: measureLibrary,
  query: measureQuery,
  summary: measureSummary,
  feed: measureFeed,
  export: measureExport,
  verify: measureVerify,
  start: measureStart,
};

async function measure(options: Options): Promise<Entry[]> {
  const lab = await openLab(options, createProgress(false));
  // A signal ends the contenders too, which are on their own otherwise.
  const end = () => void lab.closers.close().finally(() => process.exit(1));
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    const loads = new Loads(lab);
    const entries: Entry[] = [];
    for (const group of options.groups) entries.push(...(await MEASURES[group](lab, loads)));
    return entries;
  } finally {
    await lab.closers.close();
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (!options) return;
  const entries = await measure(options);
  process.stdout.write(`${options.isJson ? jsonOf(entries) : tableOf(entries)}\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
