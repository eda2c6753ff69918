import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { withHead } from './byte-streams.ts';
import type { Format } from './formats.ts';

/** One input of an import. */
export interface ImportSource {
  /** Its name in the summary: its path, or `-`. */
  name: string;
  /** Its size on disk; undefined for standard input and named pipes. */
  bytes: number | undefined;
  /** Reads its bytes, which may be gzip; calls `onBytes` with the length of each chunk. */
  open(onBytes: (count: number) => void): AsyncIterable<Buffer>;
}

/** The inputs of an import. */
export interface FoundSources {
  sources: ImportSource[];
  /** Files in folders whose names are not those of logs of the format. Files named as arguments are always read. */
  passedOver: string[];
}

const JSON_FILE = /\.(json|jsonl|ndjson|log)(\.\d+)?(\.gz)?$/i;
const SYSLOG_FILE = /(\.log|^(auth|secure|messages|syslog|sshd)[^/]*?)([.-]\d+)*(\.gz)?$/i;

/**
 * Finds the inputs that `arguments_` name: files, folders (their files with names of logs, in the order of their paths),
 * and `-` for standard input. Throws when a path does not exist or cannot be read.
 */
export async function findSources(
  arguments_: readonly string[],
  format: Format,
  stdin: AsyncIterable<Buffer>,
): Promise<FoundSources> {
  const found: FoundSources = { sources: [], passedOver: [] };
  for (const argument of arguments_) {
    if (argument === '-')
      found.sources.push({ name: '-', bytes: undefined, open: (on) => counted(stdin, on) });
    else if ((await stat(argument)).isDirectory()) await addFolder(argument, format, found);
    else found.sources.push(await fileSource(argument));
  }
  return found;
}

async function addFolder(folder: string, format: Format, found: FoundSources): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const pattern = format === 'sshd' ? SYSLOG_FILE : JSON_FILE;
  for (const path of files.sort()) {
    const name = basename(path);
    if (pattern.test(name) && !name.startsWith('.')) found.sources.push(await fileSource(path));
    else found.passedOver.push(path);
  }
}

async function fileSource(path: string): Promise<ImportSource> {
  const found = await stat(path);
  return {
    name: path,
    bytes: found.isFile() ? found.size : undefined,
    open: (on) => counted(createReadStream(path), on),
  };
}

async function* counted(
  chunks: AsyncIterable<Buffer>,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

/** The bytes of an input, uncompressed if they begin with the magic number of gzip, whatever its name. */
export async function* gunzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let head = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    head = Buffer.concat(first);
  }
  const whole = withHead(head, iterator);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* whole;
  const gunzip = createGunzip();
  // A failure of the pipeline destroys `gunzip` with the error, which the loop below then throws.
  pipeline(Readable.from(whole), gunzip).catch(() => undefined);
  for await (const chunk of gunzip) yield chunk as Buffer;
}
