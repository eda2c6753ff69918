/**
 * A stream whose first part was taken off to look at: `head`, then what `iterator` still gives. Whoever stops reading
 * early closes the stream below as well (an open pipe would keep the process alive).
 */
export async function* resumed(head: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  let done = false;
  try {
    if (head.length > 0) yield head;
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
