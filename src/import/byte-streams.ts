/** The longest silence of a pipe before the lines read so far are sent. */
const IDLE_MS = 500;
/** The time after a signal in which a pipe is still read, so that the lines written before the signal are not lost. */
const GRACE_MS = 100;
/** The chunk that stands for a silent pipe. */
const SILENCE = Buffer.alloc(0);

/** A signal ended the reading. All complete lines were read; an unfinished last line is left out. */
export class StoppedBySignal extends Error {
  override readonly name = 'Stopped';
  constructor() {
    super('stopped');
  }
}

/**
 * Yields the chunks of a pipe, and an empty chunk after each half second of silence, at which readers pass on the records
 * that they hold back. Throws StoppedBySignal once `stop` is aborted and the pipe is silent.
 */
export async function* readPipe(chunks: AsyncIterable<Buffer>, stop: AbortSignal): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<Buffer>> | undefined;
  try {
    for (;;) {
      pending ??= iterator.next();
      const next = await within(pending, stop);
      if (next === undefined) {
        if (stop.aborted) throw new StoppedBySignal();
        yield SILENCE;
        continue;
      }
      pending = undefined;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a silent pipe may never end.
    void iterator.return?.().catch(() => undefined);
  }
}

/** Resolves as `next`, or with undefined after the timeout, which a signal shortens. */
function within<Value>(next: Promise<Value>, stop: AbortSignal): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    let timer = setTimeout(giveUp, stop.aborted ? GRACE_MS : IDLE_MS);
    function giveUp() {
      stop.removeEventListener('abort', hurry);
      resolve(undefined);
    }
    function hurry() {
      clearTimeout(timer);
      timer = setTimeout(giveUp, GRACE_MS);
    }
    stop.addEventListener('abort', hurry, { once: true });
    const settle = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', hurry);
    };
    next.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}

/**
 * Puts back the head of a stream that was read in order to inspect it: yields `head`, then the rest of `iterator`, or
 * throws `failure`, with which the iterator failed while the head was read. Returning early also closes the iterator,
 * because an open pipe would keep the process alive.
 */
export async function* withHead(
  head: Buffer,
  iterator: AsyncIterator<Buffer>,
  failure?: unknown,
): AsyncGenerator<Buffer> {
  let done = failure !== undefined;
  try {
    if (head.length > 0) yield head;
    if (failure !== undefined) throw failure;
    for (;;) {
      const next = await iterator.next();
      done = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!done) await iterator.return?.();
  }
}
