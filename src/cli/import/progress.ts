import { type Options, SingleBar } from 'cli-progress';
import type { Tally } from './tally.ts';

/** How often the bar is drawn, and how many records lie between two plain lines. */
const DRAW_MS = 200;
const PLAIN_RECORDS = 10_000;

export interface Progress {
  bytes(count: number): void;
  records(tally: Tally, file: string): void;
  /** Writes a line without disturbing the bar. */
  say(message: string): void;
  end(): void;
}

/**
 * Shows on `stream` (standard error) how far an import is: a bar over the bytes of its inputs with the counts and the
 * rate on a terminal, a plain line for every 10,000 records elsewhere. `totalBytes` is undefined when an input is a
 * pipe: then there are only counts.
 */
export function createProgress(stream: NodeJS.WriteStream, totalBytes: number | undefined): Progress {
  const startMs = Date.now();
  const counts = (tally: Tally, file: string) => {
    const read = tally.sum('read');
    const rate = Math.round(read / Math.max((Date.now() - startMs) / 1000, 0.001));
    return `${read} read, ${tally.sum('recorded')} recorded, ${rate}/s, ${file}`;
  };
  return stream.isTTY ? bar(stream, totalBytes, counts) : plain(stream, counts);
}

type Counts = (tally: Tally, file: string) => string;

function plain(stream: NodeJS.WriteStream, counts: Counts): Progress {
  let records = 0;
  return {
    bytes: () => undefined,
    records: (tally, file) => {
      records += 1;
      if (records % PLAIN_RECORDS === 0) stream.write(`${counts(tally, file)}\n`);
    },
    say: (message) => void stream.write(`${message}\n`),
    end: () => undefined,
  };
}

function bar(stream: NodeJS.WriteStream, totalBytes: number | undefined, counts: Counts): Progress {
  const format = totalBytes === undefined ? '{counts}' : '{bar} {percentage}% {counts}';
  const options: Options = { stream, format, hideCursor: true, clearOnComplete: true, fps: 5 };
  const single = new SingleBar(options);
  single.start(Math.max(totalBytes ?? 1, 1), 0, { counts: '' });
  let bytes = 0;
  let drawnMs = 0;
  return {
    bytes: (count) => {
      bytes += count;
    },
    records: (tally, file) => {
      const nowMs = Date.now();
      if (nowMs - drawnMs < DRAW_MS) return;
      drawnMs = nowMs;
      single.update(totalBytes === undefined ? 0 : bytes, { counts: counts(tally, file) });
    },
    say: (message) => void stream.write(`\n${message}\n`),
    end: () => single.stop(),
  };
}
