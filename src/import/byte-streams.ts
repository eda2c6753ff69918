/** How long a live input may be silent before what was read is sent. */
const IDLE_MS = 500;
/** How long a pipe is read on after a signal: what its writer wrote before the signal is still read. */
const GRACE_MS = 100;
/** What an input gives while it is silent. */
const SILENCE = Buffer.alloc(0);

/** Reading was ended by a signal. What was read before is complete; a line that has not ended is left out. */
export class StoppedBySignal extends Error {
  override readonly name = 'Stopped';
  constructor() {
    super('stopped');
  }
}

/**
 * The chunks of a pipe, and an empty one each time that the pipe is silent for half a second: readers take it as the
 * moment to pass on what they hold. Throws `Stopped` shortly after `stop` is aborted, when the pipe has nothing more.
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
    // The end of a silent pipe is not waited for.
    void iterator.return?.().catch(() => undefined);
  }
}

/** What `next` gives, or undefined when it takes too long; a signal shortens the wait. */
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
 * A stream whose first part was taken off to look at: `head`, then what `iterator` still gives, or `failure` when the
 * iterator failed while the head was taken. Whoever stops reading early closes the stream below as well (an open pipe
 * would keep the process alive).
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
