import { availableParallelism } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';

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
