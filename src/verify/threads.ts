import { availableParallelism } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';
import type { PoolClient } from 'pg';
import { HASH_BYTES } from '../merkle/hash.ts';
import { hashLines } from './export-lines.ts';
import { type CheckedRow, type ReadRows, rowReader } from './rows.ts';

/** Whether this is the source: Node 20 loads no TypeScript in a thread, so there are none then. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const MAX_THREADS = 8;

/** How many threads are worth while: one for each processor; none when this runs from source. */
export function usefulThreads(): number {
  return IS_SOURCE ? 0 : Math.min(availableParallelism(), MAX_THREADS);
}

interface Waiting<Answer> {
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** A thread that answers each message with one of its own, in order. */
export class Thread<Message, Answer> {
  readonly #worker: Worker;
  readonly #waiting: Waiting<Answer>[] = [];
  #failure: unknown;

  /** `file` is the program of the thread; `workerData` is what it begins with. */
  constructor(file: URL, workerData?: unknown) {
    this.#worker = new Worker(file, { workerData });
    this.#worker.on('message', (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => {
      this.#failure = error;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** Sends a message, giving away what is in `transfer`. Throws what ended the thread. */
  ask(message: Message, transfer: readonly Transferable[] = []): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    // When another thread fails first, nobody waits for this answer.
    answer.catch(() => undefined);
    this.#worker.postMessage(message, transfer);
    return answer;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Parts that wait at each thread, so that it never waits for this one. */
const AHEAD = 3;

/**
 * The leaf hashes of parts of whole lines, in order, computed by so many threads beside this one, or by this one alone.
 * Memory holds a few parts for each of them, whatever the length of the source.
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

/** What a thread that reads rows begins with. */
export interface RowThreadData {
  /** Where the database is. */
  url: string;
  /** The snapshot that it reads in. */
  snapshot: string;
}

/** Threads for a verification, each with a connection of its own. */
export interface RowThreads {
  /** Where the database is. */
  url: string;
  /** 0: everything is done in this thread. */
  count: number;
}

/** How rows are read, and how many pages may be asked for beforehand. */
export interface RowReading {
  read: ReadRows;
  ahead: number;
  end(): Promise<void>;
}

/**
 * Reads and checks rows in threads, all in the snapshot of the client's transaction; in this thread and on the client
 * itself when there are to be none.
 */
export async function readRowsIn(client: PoolClient, threads: RowThreads | undefined): Promise<RowReading> {
  // The client takes one statement at a time, and others read on it in between.
  if (!threads || threads.count === 0)
    return { read: rowReader(client), ahead: 0, end: async () => undefined };
  const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
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

/** Checked rows as one thread hands them to another: the hashes in two pieces, the rest where there is any. */
export interface PackedRows {
  positions: Float64Array<ArrayBuffer>;
  /** Of those that have one; zeros in the others' place. */
  leaves: Uint8Array<ArrayBuffer>;
  storedLeaves: Uint8Array<ArrayBuffer>;
  customerIds: (string | undefined)[];
  /** By the place of the row: those without a leaf, with a stored hash of another length, or with a fault. */
  odd: Map<number, { hasLeaf: boolean; storedLeaf: Uint8Array; fault: string | undefined }>;
}

/** Packs rows. */
export function packRows(rows: readonly CheckedRow[]): PackedRows {
  const packed: PackedRows = {
    positions: Float64Array.from(rows, ({ position }) => position),
    leaves: new Uint8Array(rows.length * HASH_BYTES),
    storedLeaves: new Uint8Array(rows.length * HASH_BYTES),
    customerIds: rows.map(({ customerId }) => customerId),
    odd: new Map(),
  };
  for (const [at, { leaf, storedLeaf, fault }] of rows.entries()) {
    if (leaf) packed.leaves.set(leaf, at * HASH_BYTES);
    const isWhole = storedLeaf.length === HASH_BYTES;
    if (isWhole) packed.storedLeaves.set(storedLeaf, at * HASH_BYTES);
    if (!leaf || !isWhole || fault !== undefined)
      packed.odd.set(at, { hasLeaf: leaf !== undefined, storedLeaf: Uint8Array.from(storedLeaf), fault });
  }
  return packed;
}

/** The rows again. */
export function unpackRows({ positions, leaves, storedLeaves, customerIds, odd }: PackedRows): CheckedRow[] {
  return Array.from(positions, (position, at) => {
    const known = odd.get(at);
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
