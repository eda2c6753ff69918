import { PURGE_ACTION, removalEventIn, UPGRADE_ACTION } from '../announcement.ts';
import { Removals } from '../removal.ts';
import { NEWLINE } from './hash-lines.ts';

/** The beginnings of the lines that speak of removals: the action is the first member of a canonical form. */
const STARTS = [PURGE_ACTION, UPGRADE_ACTION].map((action) => Buffer.from(`{"action":"${action}",`));

interface FoundLine {
  /** Counted from the beginning of its part. */
  line: number;
  bytes: Buffer;
}

/** Finds the lines that speak of removals in parts that are read for another end, and holds nothing else of them. */
export class RemovalLines {
  readonly #parts: FoundLine[][] = [];
  readonly #placed: { position: number; bytes: Buffer }[] = [];

  /** The same parts, each of whole lines. */
  async *look(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const part of parts) {
      this.#parts.push(linesOf(Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
      yield part;
    }
  }

  /** Says at which position the next part begins. */
  place(start: number): void {
    for (const { line, bytes } of this.#parts.shift() ?? [])
      this.#placed.push({ position: start + line, bytes });
  }

  /** The largest position before which a line says that everything was removed, wherever that line is; 0: none says so. */
  announced(): number {
    const said = this.#placed.map(({ bytes }) => removalEventIn(bytes, Number.MAX_SAFE_INTEGER));
    const positions = said.map(
      (event) => (event?.kind === 'upgrade' ? event.announcement : event)?.firstPosition,
    );
    return Math.max(0, ...positions.map((position) => position ?? 0));
  }

  /** The removals that the lines before a position speak of. */
  before(end: number): Removals {
    const removals = new Removals();
    for (const { position, bytes } of this.#placed)
      if (position < end) removals.add(removalEventIn(bytes, position));
    return removals;
  }
}

function linesOf(part: Buffer): FoundLine[] {
  return STARTS.flatMap((start) => [...linesWith(part, start)]);
}

function* linesWith(part: Buffer, start: Buffer): Generator<FoundLine, void> {
  let line = 0;
  let counted = 0;
  for (let at = part.indexOf(start); at >= 0; at = part.indexOf(start, at + 1)) {
    if (at > 0 && part[at - 1] !== NEWLINE) continue;
    for (; counted < at; counted += 1) if (part[counted] === NEWLINE) line += 1;
    const end = part.indexOf(NEWLINE, at);
    // A copy: the part itself may go to another thread.
    yield { line, bytes: Buffer.from(part.subarray(at, end < 0 ? part.length : end)) };
  }
}
