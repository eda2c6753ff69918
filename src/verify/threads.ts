import { availableParallelism } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';
import { hashLines } from './export-lines.ts';

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
