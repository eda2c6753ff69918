import { Thread } from '../thread.ts';
import { hashLines } from './hash-lines.ts';

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
