import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createLease, type Lease } from '../db/lease.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { withDeadline } from '../deadline.ts';
import { type Checkpoint, type CheckpointPolicy, openCheckpoint } from '../merkle/checkpoint.ts';
import { parseVerifierKey } from '../merkle/note.ts';
import { noteVerifier } from '../merkle/signatures.ts';
import { readLatestCheckpoint } from './checkpoints.ts';
import { IntegrityError } from './integrity-alarms.ts';
import { DeclinedError, postNote, retryUntilDone } from './post-note.ts';
import type { StoredIdentity } from './signing-identity.ts';
import { isConsistent } from './trees.ts';

const LAST_MS = 3_000;

export interface AnchorsOptions {
  pool: Pool;
  identity: StoredIdentity;
  /** The anchor file, to which checkpoints are appended; undefined: none. */
  file: string | undefined;
  /** The URL that checkpoints are posted to; undefined: none. */
  webhook: string | undefined;
  /** Time between two anchored checkpoints. */
  intervalMs: number;
  /** Timeout of a request. */
  timeoutMs: number;
  /** Resolves when the last checkpoint covers the present log, if this instance can sign. */
  signNow: () => Promise<void>;
  /** Called when the log does not continue the last checkpoint of the file. Nothing is anchored then. */
  onAlarm: (problem: IntegrityError) => void;
  onError: (error: Error) => void;
}

/** Copies checkpoints to places outside the database: one at the start, then on a timer. */
export interface Anchors {
  /** Stops the timer and anchors once more, within three seconds. */
  close(): Promise<void>;
}

/**
 * Anchors the first checkpoint and starts the timer. Each instance writes its own file. Of several instances with the same
 * webhook, the one that holds the lease posts; another one takes over when it ends.
 */
export function createAnchors(options: AnchorsOptions): Anchors {
  const { file, webhook, onAlarm, onError } = options;
  if (file === undefined && webhook === undefined) return { close: async () => undefined };
  const delivery = webhook === undefined ? undefined : new WebhookDelivery(webhook, options);
  let running: Promise<void> | undefined;

  async function anchor(): Promise<void> {
    try {
      await options.signNow();
      const note = await anchorInFile(options);
      if (note !== undefined) await delivery?.send(note);
    } catch (error) {
      if (error instanceof IntegrityError) onAlarm(error);
      else onError(error as Error);
    }
  }

  function anchorNow(): Promise<void> {
    running ??= anchor().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function anchorLast(): Promise<void> {
    await running;
    await anchorNow();
    await delivery?.delivered;
  }

  void anchorNow();
  const timer = setInterval(() => void anchorNow(), options.intervalMs).unref();
  return {
    async close() {
      clearInterval(timer);
      await withDeadline(anchorLast(), LAST_MS, () => undefined);
      await delivery?.close();
    },
  };
}

/** Delivers notes to the webhook, while this instance has the lease. */
class WebhookDelivery {
  readonly #url: string;
  readonly #options: AnchorsOptions;
  readonly #lease: Lease;
  #abort = new AbortController();
  #delivered: Promise<void> = Promise.resolve();

  constructor(url: string, options: AnchorsOptions) {
    this.#url = url;
    this.#options = options;
    this.#lease = createLease(options.pool, leaseName(url));
  }

  /** Resolves when the last note was delivered, or its delivery was aborted. */
  get delivered(): Promise<void> {
    return this.#delivered;
  }

  /** Starts to deliver a note. It replaces an older one that was not delivered yet. */
  async send(note: string): Promise<void> {
    if (!(await this.#lease.acquire())) return;
    this.#abort.abort();
    this.#abort = new AbortController();
    const { timeoutMs, onError } = this.#options;
    this.#delivered = deliverNote(this.#url, note, { timeoutMs, signal: this.#abort.signal, onError });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#lease.release();
  }
}

// Hashed, because the URL may be a secret.
function leaseName(webhook: string): string {
  return `audit_log.webhook ${createHash('sha256').update(webhook).digest('hex')}`;
}

/** Appends the last checkpoint to the file, if one is configured, and returns its note. */
async function anchorInFile({ pool, identity, file }: AnchorsOptions): Promise<string | undefined> {
  const policy = logKeyPolicy(identity);
  if (file !== undefined) await checkAnchor(pool, policy, file);
  const last = await readLatestCheckpoint(prismaOn(pool), 'log');
  if (!last) return undefined;
  await openCheckpoint(last.note, policy).catch((error: Error) => {
    throw new IntegrityError('checkpoint', `the last checkpoint does not verify: ${error.message}`);
  });
  if (file !== undefined) await appendAnchor(file, last.note);
  return last.note;
}

/** Accepts checkpoints that the log's own key signed. */
export function logKeyPolicy({ origin, verifierKey }: StoredIdentity): CheckpointPolicy {
  return { origin, logKeys: [noteVerifier(parseVerifierKey(verifierKey))] };
}

/**
 * Compares the stored log with the last checkpoint in an anchor file. Throws an IntegrityError when the log does not
 * continue it: it was rewritten, or rolled back to an earlier state.
 */
export async function checkAnchor(pool: Pool, policy: CheckpointPolicy, path: string): Promise<void> {
  const anchored = await readLastAnchor(path, policy);
  if (!anchored) return;
  const from = { size: anchored.treeSize, rootHash: anchored.rootHash };
  const last = await readLatestCheckpoint(prismaOn(pool), 'log');
  if (!last || last.treeSize < from.size)
    throw anchorError(`${from.size} events were signed, and the log has only ${last?.treeSize ?? 0}`);
  const to = { size: last.treeSize, rootHash: last.rootHash };
  if (!(await isConsistent(prismaOn(pool), 'log', { from, to })))
    throw anchorError(`the log no longer begins with the ${from.size} events that were signed`);
}

/** The error of `checkAnchor`, for a start before anything is signed; undefined when there is none or no file. */
export async function findRollback(
  pool: Pool,
  identity: StoredIdentity,
  path: string | undefined,
): Promise<IntegrityError | undefined> {
  if (path === undefined) return undefined;
  try {
    await checkAnchor(pool, logKeyPolicy(identity), path);
    return undefined;
  } catch (error) {
    if (error instanceof IntegrityError) return error;
    throw new Error(`ANCHOR_FILE: ${(error as Error).message}`, { cause: error });
  }
}

function anchorError(message: string): IntegrityError {
  return new IntegrityError('anchor', `by the anchor file, ${message}`);
}

// A note has one empty line, before its signatures. So two empty lines in a row separate notes.
const GAP = '\n\n';
const TAIL_BYTES = 65_536;

/**
 * The newest checkpoint in the file that satisfies the policy; undefined when the file is empty or not there yet.
 * Skips a note that a crash cut off. Throws when the file cannot be read or contains no checkpoint of this log.
 */
export async function readLastAnchor(
  path: string,
  policy: CheckpointPolicy,
): Promise<Checkpoint | undefined> {
  const tail = await withFile(path, (file) => readEnd(file, TAIL_BYTES));
  if (tail === '') return undefined;
  for (const note of tail.split(`\n${GAP}`).reverse()) {
    const opened = await openCheckpoint(`${note}\n`, policy).catch(() => undefined);
    if (opened) return opened.checkpoint;
  }
  throw new Error(`${path} holds no checkpoint of the log ${policy.origin}: name another file`);
}

/** Appends a note to the file and waits until it is on the disk. */
export async function appendAnchor(path: string, note: string): Promise<void> {
  await withFile(path, async (file) => {
    const end = await readEnd(file, GAP.length + 1);
    const isWhole = end === '' || end === `\n${GAP}`;
    await file.appendFile(`${isWhole ? '' : `\n${GAP}`}${note}${GAP}`);
    await file.sync();
  });
}

// Opens for appending also to read: a file that cannot be written fails at the start, and a missing one is created.
async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'a+', 0o644);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function readEnd(file: FileHandle, bytes: number): Promise<string> {
  const { size } = await file.stat();
  const start = Math.max(0, size - bytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.toString('utf8', 0, bytesRead);
}

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 300_000;

/** Posts a note to the URL until the webhook answers with a 2xx status or the signal is aborted. */
async function deliverNote(
  url: string,
  note: string,
  options: { timeoutMs: number; signal: AbortSignal; onError: (error: Error) => void },
): Promise<void> {
  const post = async () => {
    const { status, retryAfterMs } = await postNote(url, note, options);
    if (status < 200 || status >= 300)
      throw new DeclinedError(`the webhook answered with status ${status}`, retryAfterMs);
  };
  await retryUntilDone(post, { ...options, firstWaitMs: FIRST_WAIT_MS, maxWaitMs: MAX_WAIT_MS });
}
