/**
 * A stream whose first part was taken off to look at: `head`, then what `iterator` still gives, or `failure` when the
 * iterator failed while the head was taken. Whoever stops reading early closes the stream below as well (an open pipe
 * would keep the process alive).
 */
export async function* resumed(
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
