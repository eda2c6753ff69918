import { availableParallelism } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';
import type { PoolClient } from 'pg';
import { prismaWithin } from '../db/prisma.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import { hashLines } from './export-lines.ts';
import { type CheckedRow, type ReadRows, rowReader } from './rows.ts';

/** Whether this runs from source. Node 20 cannot load TypeScript in a worker thread. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const MAX_THREADS = 8;

/** The default number of threads: one per processor, at most 8; none when this runs from source. */
export function usefulThreads(): number {
  return IS_SOURCE ? 0 : Math.min(availableParallelism(), MAX_THREADS);
}

interface WaitingTask<Answer> {
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** A worker thread that answers each message with one message, in order. */
export class Thread<Message, Answer> {
  readonly #worker: Worker;
  readonly #waiting: WaitingTask<Answer>[] = [];
  #failure: unknown;

  /** `file` is the program of the thread; it gets `workerData`. */
  constructor(file: URL, workerData?: unknown) {
    this.#worker = new Worker(file, { workerData });
    this.#worker.on('message', (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => {
      this.#failure = error;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** Sends a message and resolves with the answer. Transfers the buffers in `transfer`. Rejects when the thread has failed. */
  ask(message: Message, transfer: readonly Transferable[] = []): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    // When another thread fails first, this answer is not awaited.
    answer.catch(() => undefined);
    this.#worker.postMessage(message, transfer);
    return answer;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** The number of parts queued per thread, so that no thread is idle. */
const AHEAD = 3;

/**
 * The leaf hashes of parts of whole lines, in order, computed by `count` additional threads, or by this thread for 0. Memory
 * holds a few parts per thread, independent of the length of the source.
 */
export async function* hashInThreads(
  parts: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array, void> {
  if (count === 0) {
    for await (const part of parts) yield hashLines(part);
    return;
  }
  const file = new URL('./hash-worker.js', import.meta.url);
  const threads = Array.from({ length: count }, () => new Thread<Uint8Array, Uint8Array>(file));
  const answers: Promise<Uint8Array>[] = [];
  let next = 0;
  try {
    for await (const part of parts) {
      const thread = threads[next % threads.length] as (typeof threads)[number];
      answers.push(thread.ask(part, [part.buffer as ArrayBuffer]));
      next += 1;
      if (answers.length >= AHEAD * threads.length) yield (await answers.shift()) as Uint8Array;
    }
    for (const answer of answers) yield await answer;
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

/** The data that a thread for reading rows gets. */
export interface RowThreadData {
  /** Where the database is. */
  url: string;
  /** The exported snapshot to read in. */
  snapshot: string;
}

/** Threads that read rows, each with its own connection. */
export interface RowThreads {
  /** Where the database is. */
  url: string;
  /** 0: this thread reads the rows. */
  count: number;
}

/** Reads rows; `ahead` is the number of pages to read in advance. */
export interface RowReading {
  read: ReadRows;
  ahead: number;
  end(): Promise<void>;
}

/**
 * Reads and checks rows in threads, all in the snapshot of the client's transaction; without threads in this thread, on the
 * client itself.
 */
export async function readRowsIn(client: PoolClient, threads: RowThreads | undefined): Promise<RowReading> {
  // Nothing is read in advance: the client runs one statement at a time, and other checks use it too.
  const prisma = prismaWithin(client);
  if (!threads || threads.count === 0)
    return { read: rowReader(prisma), ahead: 0, end: async () => undefined };
  const rows = await prisma.$queryRaw<{ snapshot: string }[]>`SELECT pg_export_snapshot() AS snapshot`;
  const data: RowThreadData = { url: threads.url, snapshot: rows[0]?.snapshot ?? '' };
  const file = new URL('./row-worker.js', import.meta.url);
  const own = Array.from(
    { length: threads.count },
    () => new Thread<[number, number], PackedRows>(file, data),
  );
  let next = 0;
  return {
    async read(start, end) {
      const thread = own[next % own.length] as (typeof own)[number];
      next += 1;
      return unpackRows(await thread.ask([start, end]));
    },
    ahead: 2 * own.length,
    async end() {
      await Promise.all(own.map((thread) => thread.end()));
    },
  };
}

/** Checked rows in a form that one thread transfers to another: the hashes concatenated in two buffers. */
export interface PackedRows {
  positions: Float64Array<ArrayBuffer>;
  /** The leaf hashes; zeros for a row without one. */
  leaves: Uint8Array<ArrayBuffer>;
  storedLeaves: Uint8Array<ArrayBuffer>;
  customerIds: (string | undefined)[];
  /** The rows without a leaf hash, with a stored hash of a wrong length or with a fault, by index. */
  faulty: Map<number, { hasLeaf: boolean; storedLeaf: Uint8Array; fault: string | undefined }>;
}

/** Packs rows. */
export function packRows(rows: readonly CheckedRow[]): PackedRows {
  const packed: PackedRows = {
    positions: Float64Array.from(rows, ({ position }) => position),
    leaves: new Uint8Array(rows.length * HASH_BYTES),
    storedLeaves: new Uint8Array(rows.length * HASH_BYTES),
    customerIds: rows.map(({ customerId }) => customerId),
    faulty: new Map(),
  };
  for (const [at, { leaf, storedLeaf, fault }] of rows.entries()) {
    if (leaf) packed.leaves.set(leaf, at * HASH_BYTES);
    const isWhole = storedLeaf.length === HASH_BYTES;
    if (isWhole) packed.storedLeaves.set(storedLeaf, at * HASH_BYTES);
    if (!leaf || !isWhole || fault !== undefined)
      packed.faulty.set(at, { hasLeaf: leaf !== undefined, storedLeaf: Uint8Array.from(storedLeaf), fault });
  }
  return packed;
}

/** Unpacks rows. */
export function unpackRows({
  positions,
  leaves,
  storedLeaves,
  customerIds,
  faulty,
}: PackedRows): CheckedRow[] {
  return Array.from(positions, (position, at) => {
    const known = faulty.get(at);
    const own = (hashes: Uint8Array) => hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    return {
      position,
      leaf: known && !known.hasLeaf ? undefined : own(leaves),
      storedLeaf: known ? known.storedLeaf : own(storedLeaves),
      customerId: customerIds[at],
      fault: known?.fault,
    };
  });
}
