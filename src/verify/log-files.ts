import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { HASH_BYTES } from '../merkle/hash.ts';
import { type ReadTiles, TILE_WIDTH, type Tile } from '../merkle/tile.ts';
import { hasDotSegment, tilePath } from '../merkle/tile-files.ts';
import { parseJson } from '../parse-json.ts';

const ATTEMPTS = 8;
const TIMEOUT_MS = 60_000;
const KEY_ADVICE = 'set AUDIT_LOG_KEY to a key with the scope events:read';
const MAX_MESSAGE_CHARACTERS = 500;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 30_000;
/** The largest file of a log: an entry bundle of 256 entries of 65,535 bytes, each after its length. */
const MAX_BYTES = 256 * (65_535 + 2);

/** A file of a log could not be read; whether it exists is not known, except with status 404. */
export class LogFileError extends Error {
  override readonly name = 'LogFileError';
  /** The HTTP status of the answer; undefined when there was none. */
  readonly status: number | undefined;
  /** How long the log asks to wait (`Retry-After`), in milliseconds; 0 when it does not say. */
  readonly retryAfterMs: number;

  constructor(message: string, status?: number, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Reads a file of a log by its path in C2SP tlog-tiles, such as `tile/0/000` or `checkpoint`; undefined when there is none. */
export type ReadLogFile = (path: string) => Promise<Uint8Array | undefined>;

/**
 * Reads the files below a prefix, which is a URL or a folder. Requests to a URL carry `key` as bearer token and are
 * repeated while the log is too busy. Reading throws a LogFileError for any answer but the file or status 404. Throws a
 * LogFileError at once for a URL with a dot segment: HTTP clients remove it, and the URL would name another log or tree.
 */
export function logFilesAt(prefix: string, key?: string): ReadLogFile {
  if (!/^https?:\/\//i.test(prefix)) return (path) => readOrNothing(join(prefix, path));
  if (hasDotSegment(prefix))
    throw new LogFileError(
      `${prefix} has a dot segment, which HTTP clients remove: name a customer with --customer`,
    );
  if (/[?#]/.test(prefix)) throw new LogFileError(`${prefix} must have no "?" and no "#"`);
  const base = prefix.replace(/\/+$/, '');
  return (path) => download(`${base}/${path}`, key);
}

/** The key in `AUDIT_LOG_KEY`; undefined when it is not set or empty. */
export function givenKey(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment.AUDIT_LOG_KEY?.trim() || undefined;
}

async function readOrNothing(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}

// A busy log is asked again, after growing waits and no sooner than its Retry-After says.
async function download(url: string, key: string | undefined): Promise<Uint8Array | undefined> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return pRetry(() => downloadOnce(url, headers), {
    retries: ATTEMPTS - 1,
    minTimeout: FIRST_WAIT_MS,
    maxTimeout: MAX_WAIT_MS,
    randomize: true,
    shouldRetry: ({ error }) => error instanceof LogFileError && isBusy(error.status),
    // p-retry does not know Retry-After, and adds its own wait to this one.
    async onFailedAttempt({ error, retriesLeft }) {
      if (error instanceof LogFileError && retriesLeft > 0) await delay(error.retryAfterMs);
    },
  });
}

function isBusy(status: number | undefined): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

async function downloadOnce(url: string, headers: Record<string, string>): Promise<Uint8Array | undefined> {
  const response = await request(url, headers);
  if (response.ok) return bodyOf(response, url);
  if (response.status !== 404) throw await errorOf(url, response);
  await response.body?.cancel();
  return undefined;
}

async function errorOf(url: string, response: Response): Promise<LogFileError> {
  const { status } = response;
  const reason = await messageIn(response, url);
  const advice = status === 401 || (status === 403 && reason === undefined) ? KEY_ADVICE : undefined;
  const message = [`${url} answered with status ${status}`, reason, advice].filter(Boolean).join(': ');
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  const retryAfterMs = isBusy(status) && seconds > 0 ? Math.min(seconds * 1_000, MAX_WAIT_MS) : 0;
  return new LogFileError(message, status, retryAfterMs);
}

/** The message of the first GraphQL error in an answer; undefined when there is none. */
async function messageIn(response: Response, url: string): Promise<string | undefined> {
  try {
    const text = Buffer.from(await bodyOf(response, url)).toString('utf8');
    const { errors } = parseJson(text) as { errors?: { message?: unknown }[] };
    const message = errors?.[0]?.message;
    return typeof message === 'string'
      ? message.replace(/\p{Cc}/gu, '?').slice(0, MAX_MESSAGE_CHARACTERS)
      : undefined;
  } catch {
    return undefined;
  }
}

async function request(url: string, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const { message, cause } = error as Error;
    throw new LogFileError(`${url} cannot be read: ${cause instanceof Error ? cause.message : message}`);
  }
}

async function bodyOf(response: Response, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new LogFileError(`${url} is larger than any file of a log`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/**
 * Reads tiles from a log's files. A partial tile that does not exist any more is taken from the full tile, as the
 * specification requires. Throws a LogFileError when a tile is missing.
 */
export function tilesFrom(read: ReadLogFile): ReadTiles {
  return (tiles) => Promise.all(tiles.map((tile) => readTile(read, tile)));
}

async function readTile(read: ReadLogFile, tile: Tile): Promise<Uint8Array> {
  const exact = await read(tilePath(tile));
  if (exact) return exact;
  const full = tile.width < TILE_WIDTH ? await read(tilePath({ ...tile, width: TILE_WIDTH })) : undefined;
  if (full) return full.subarray(0, tile.width * HASH_BYTES);
  throw new LogFileError(`the log has no ${tilePath(tile)}`, 404);
}
