import { type Options, SingleBar } from 'cli-progress';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { clientFrom } from '../client/graphql-client.ts';
import { FORMATS, type Format } from '../import/formats.ts';
import { type ImportCounts, summaryOf } from '../import/report.ts';
import { type ImportResult, runImport } from '../import/run.ts';
import { fixedZone, namedZone, type TimeZone } from '../import/source-time.ts';
import { type FoundSources, findSources } from '../import/sources.ts';
import { printFailure, printMessage } from './messages.ts';

const HELP = `
FILE is a file, a folder (its log files, in the order of their paths), a named pipe, or - for standard input. Gzip is
detected, and the envelopes of EventBridge, CloudWatch Logs, SNS, Okta event hooks and forwarders are unwrapped.
Each event has an idempotency key made from the id of its record, or from its content: running the same import again
records nothing twice, and continues one that was interrupted. Each line of a pipe is in the log within two seconds.
SIGTERM and SIGINT record what was read, and report where the import stopped.

Environment:
  AUDIT_LOG_URL   the service, http://127.0.0.1:4000/graphql by default
  AUDIT_LOG_KEY   a key with the scope events:write

Exit code: 0 when every record is in the log, 1 when some records could not be read or mapped or were rejected (the
summary names them), 2 when the arguments are wrong or the import stopped before its end.`;

const OFFSET = /^(Z|UTC|[+-](0\d|1[0-4]):?[0-5]\d)$/i;

interface ImportFlags {
  format: Format;
  year?: number;
  timezoneOffset: string;
  timeZone?: TimeZone;
  customerId?: string;
  dryRun?: boolean;
}

/** Adds `audit-log import` to the program. */
export function registerImport(program: Command): void {
  program
    .command('import')
    .description('send logs of other systems to the audit log as events')
    .argument('<files...>', 'files, folders, or - for standard input')
    .addOption(
      new Option('--format <format>', 'the format of the logs').choices(FORMATS).makeOptionMandatory(),
    )
    .option(
      '--year <year>',
      'sshd: the year of dates without one (default: the latest year in which they are not in the future)',
      yearOf,
    )
    .addOption(
      new Option(
        '--time-zone <name>',
        'sshd: the zone of times without one, such as Europe/Berlin, with its daylight saving time (default: UTC)',
      ).argParser(zoneOf),
    )
    .addOption(
      new Option('--timezone-offset <offset>', 'sshd: the same as a fixed offset, such as +02:00')
        .argParser(offsetOf)
        .default('Z')
        .conflicts('timeZone'),
    )
    .option('--customer-id <id>', 'the customer of every event, in place of the one in the source')
    .option('--dry-run', 'read, map and count the records, send nothing')
    .addHelpText('after', HELP)
    .action(async (files: string[], flags: ImportFlags) => {
      process.exitCode = await importFiles(files, flags);
      // A pending read of an open pipe would keep the process alive.
      if (process.exitCode === 2) await exitNow(2);
    });
}

async function exitNow(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
  process.exit(code);
}

function yearOf(text: string): number {
  if (!/^\d{4}$/.test(text)) throw new InvalidArgumentError('A year has four digits.');
  return Number(text);
}

function zoneOf(name: string): TimeZone {
  if (OFFSET.test(name)) return fixedZone(name);
  try {
    return namedZone(name);
  } catch {
    throw new InvalidArgumentError('A time zone is a name of the IANA database, such as Europe/Berlin.');
  }
}

function offsetOf(text: string): string {
  if (!OFFSET.test(text)) {
    throw new InvalidArgumentError('An offset is Z or looks like +02:00.');
  }
  return text;
}

async function importFiles(files: readonly string[], flags: ImportFlags): Promise<number> {
  let progress: ImportProgress | undefined;
  const stop = stopOnSignals();
  try {
    if (flags.timeZone !== undefined && flags.format !== 'sshd') {
      throw new Error(
        '--time-zone is for --format sshd: the times of the other formats have an offset or are in UTC',
      );
    }
    const print = (message: string) => progress?.print(message);
    const client = flags.dryRun === true ? undefined : clientFrom(process.env, { onRetry: print });
    const found = await findSources(files, flags.format, process.stdin);
    if (found.sources.length === 0)
      throw new Error('there is nothing to import: no file looks like a log of this format');
    progress = createProgress(process.stderr, totalBytes(found));
    for (const path of found.passedOver)
      print(`skipped: ${path} (its name is not that of a log of this format)`);
    const startMs = Date.now();
    const zone = flags.timeZone ?? fixedZone(flags.timezoneOffset);
    const zoneNamed = flags.timeZone !== undefined;
    const clock = { nowMs: startMs, year: flags.year, zone, zoneNamed };
    const { format, customerId } = flags;
    const result = await runImport(found.sources, {
      format,
      clock,
      client,
      customerId,
      stop: stop.signal,
      progress,
    });
    progress.end();
    process.stdout.write(`${summaryOf(result.counts, (Date.now() - startMs) / 1000, flags.dryRun)}\n`);
    if (result.stoppedBy === undefined) return result.counts.complete ? 0 : 1;
    printMessage(whereStopped(result));
  } catch (error) {
    progress?.end();
    printFailure('import', error);
  } finally {
    stop.release();
  }
  return 2;
}

function whereStopped({ stoppedBy, stoppedAt }: ImportResult): string {
  if (stoppedAt === undefined)
    return `stopped: ${stoppedBy?.message}\nRun the same command again to continue.`;
  const { file, line } = stoppedAt;
  const next =
    file === '-'
      ? 'The next import of this pipe begins after it.'
      : 'Run the same command again to continue.';
  return `stopped: ${stoppedBy?.message} after line ${line} of ${file}; everything that was read is in the log.\n${next}`;
}

function totalBytes({ sources }: FoundSources): number | undefined {
  let total = 0;
  for (const { bytes } of sources) {
    if (bytes === undefined) return undefined;
    total += bytes;
  }
  return total;
}

/** The first signal ends the import in order. It removes the listener, so that a second signal ends the process. */
function stopOnSignals(): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const onSignal = () => {
    printMessage('\nstopping once what was read is recorded; the same signal again stops at once');
    release();
    controller.abort();
  };
  const release = () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { signal: controller.signal, release };
}

/** The time between two updates of the bar, and the records between two plain lines. */
const DRAW_MS = 200;
const PLAIN_RECORDS = 10_000;

export interface ImportProgress {
  bytes(count: number): void;
  records(counts: ImportCounts, file: string): void;
  /** Writes a line without disturbing the bar. */
  print(message: string): void;
  end(): void;
}

/**
 * Shows the progress of an import on `stream` (standard error): on a terminal, a bar over the bytes of its inputs with
 * the counts and the rate; elsewhere, a line for every 10,000 records. `totalBytes` is undefined when an input is a pipe:
 * then there are only counts.
 */
export function createProgress(stream: NodeJS.WriteStream, totalBytes: number | undefined): ImportProgress {
  const startMs = Date.now();
  const format = (counts: ImportCounts, file: string) => {
    const read = counts.sum('read');
    const rate = Math.round(read / Math.max((Date.now() - startMs) / 1000, 0.001));
    return `${read} read, ${counts.sum('recorded')} recorded, ${rate}/s, ${file}`;
  };
  return stream.isTTY ? bar(stream, totalBytes, format) : plain(stream, format);
}

type FormatCounts = (counts: ImportCounts, file: string) => string;

function plain(stream: NodeJS.WriteStream, format: FormatCounts): ImportProgress {
  let records = 0;
  return {
    bytes: () => undefined,
    records: (counts, file) => {
      records += 1;
      if (records % PLAIN_RECORDS === 0) stream.write(`${format(counts, file)}\n`);
    },
    print: (message) => void stream.write(`${message}\n`),
    end: () => undefined,
  };
}

function bar(
  stream: NodeJS.WriteStream,
  totalBytes: number | undefined,
  format: FormatCounts,
): ImportProgress {
  const layout = totalBytes === undefined ? '{counts}' : '{bar} {percentage}% {counts}';
  const options: Options = { stream, format: layout, hideCursor: true, clearOnComplete: true, fps: 5 };
  const single = new SingleBar(options);
  single.start(Math.max(totalBytes ?? 1, 1), 0, { counts: '' });
  let bytes = 0;
  let drawnMs = 0;
  return {
    bytes: (count) => {
      bytes += count;
    },
    records: (counts, file) => {
      const nowMs = Date.now();
      if (nowMs - drawnMs < DRAW_MS) return;
      drawnMs = nowMs;
      single.update(totalBytes === undefined ? 0 : bytes, { counts: format(counts, file) });
    },
    print: (message) => void stream.write(`\n${message}\n`),
    end: () => single.stop(),
  };
}
