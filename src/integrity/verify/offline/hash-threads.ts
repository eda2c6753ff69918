import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { hashLines } from './hash-lines.ts';

/** Whether this is the source: Node 20 loads no TypeScript in a thread, so there are none then. */
const IS_SOURCE = import.meta.url.endsWith('.ts');
const MAX_THREADS = 8;
/** Parts that wait at each thread, so that it never waits for this one. */
const AHEAD = 3;

/** How many threads are worth while: one for each processor; none when this runs from source. */
export function usefulThreads(): number {
  return IS_SOURCE ? 0 : Math.min(availableParallelism(), MAX_THREADS);
}

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
  const threads = Array.from({ length: count }, () => new HashThread());
  const answers: Promise<Uint8Array>[] = [];
  let next = 0;
  try {
    for await (const part of parts) {
      answers.push((threads[next % threads.length] as HashThread).hash(part));
      next += 1;
      if (answers.length >= AHEAD * threads.length) yield (await answers.shift()) as Uint8Array;
    }
    for (const answer of answers) yield await answer;
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

/** A thread that hashes what it gets, one part after the other. */
class HashThread {
  readonly #worker = new Worker(new URL('./hash-worker.js', import.meta.url));
  readonly #waiting: PromiseWithResolvers<Uint8Array>[] = [];

  constructor() {
    this.#worker.on('message', (hashes: Uint8Array) => this.#waiting.shift()?.resolve(hashes));
    this.#worker.on('error', (error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  hash(bytes: Uint8Array): Promise<Uint8Array> {
    const waiting = withResolvers<Uint8Array>();
    // When another part fails first, nobody waits for this one.
    waiting.promise.catch(() => undefined);
    this.#waiting.push(waiting);
    this.#worker.postMessage(bytes, [bytes.buffer as ArrayBuffer]);
    return waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
}

// Promise.withResolvers came with Node 22.
function withResolvers<T>(): PromiseWithResolvers<T> {
  let settle: Omit<PromiseWithResolvers<T>, 'promise'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...(settle as Omit<PromiseWithResolvers<T>, 'promise'>) };
}
