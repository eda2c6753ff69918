import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HASH_BYTES } from '../merkle/hash.ts';
import { type ReadTiles, TILE_WIDTH, type Tile } from '../merkle/tile.ts';
import { hasDotSegment, tilePath } from '../merkle/tile-files.ts';
import { parseJson } from '../parse-json.ts';

const ATTEMPTS = 8;
const TIMEOUT_MS = 60_000;
const KEY_ADVICE = 'set AUDIT_LOG_KEY to a key with the scope events:read';
const MAX_MESSAGE = 500;
const MAX_PAUSE_MS = 30_000;
/** An entry bundle of 256 entries of 65,535 bytes, each with its length. */
const MAX_BYTES = 256 * (65_535 + 2);

/** A file of a log that cannot be read, though it may be there. */
export class LogFileError extends Error {
  override readonly name = 'LogFileError';
  /** The status of HTTP, where there was an answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** The files of a log by their paths of C2SP's tlog-tiles, such as `tile/0/000` or `checkpoint`; undefined: none there. */
export type ReadLogFile = (path: string) => Promise<Uint8Array | undefined>;

/**
 * Reads the files below a prefix, which is a URL or a folder. At a URL `key` goes along as bearer key; what is too busy
 * is asked again. Reading throws a LogFileError when the answer is another than the file or that there is none, and this
 * throws one for a URL with a dot segment, which would be that of another log or of another tree once it is removed.
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

async function readOrNothing(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function download(url: string, key: string | undefined): Promise<Uint8Array | undefined> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  for (let attempt = 1; ; attempt += 1) {
    const response = await request(url, headers);
    if (response.ok) return bodyOf(response, url);
    const isBusy = [429, 502, 503, 504].includes(response.status);
    if (response.status !== 404 && (!isBusy || attempt === ATTEMPTS)) throw await errorOf(url, response);
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    const pauseMs = Number.isFinite(seconds) ? seconds * 1_000 : 250 * 2 ** attempt;
    await delay(Math.min(MAX_PAUSE_MS, pauseMs) * (1 + Math.random() / 4));
  }
}

async function errorOf(url: string, response: Response): Promise<LogFileError> {
  const { status } = response;
  const said = await messageIn(response, url);
  const advice = status === 401 || (status === 403 && said === undefined) ? KEY_ADVICE : undefined;
  return new LogFileError(
    [`${url} answered with status ${status}`, said, advice].filter(Boolean).join(': '),
    status,
  );
}

/** The message of the first error of an answer in the form of GraphQL; undefined: there is none. */
async function messageIn(response: Response, url: string): Promise<string | undefined> {
  try {
    const text = Buffer.from(await bodyOf(response, url)).toString('utf8');
    const { errors } = parseJson(text) as { errors?: { message?: unknown }[] };
    const message = errors?.[0]?.message;
    return typeof message === 'string' ? message.replace(/\p{Cc}/gu, '?').slice(0, MAX_MESSAGE) : undefined;
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
 * Reads tiles from a log's files. A partial one that is not there any more is taken from the full one, as the
 * specification asks. Throws a LogFileError when a tile is missing.
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
