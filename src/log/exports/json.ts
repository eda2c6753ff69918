import { CanonicalRows, mostBytes } from '../read/canonical-row.ts';

const CHUNK_BYTES = 262_144;

/** Collects the rows of a file in large chunks. */
export interface BlockWriter {
  row(row: Buffer): void;
  /** The chunks written since the last call. */
  take(): Buffer[];
}

/** Writes the canonical form of events, with `first` before the first, `between` before each other one, and `after` each. */
export function createJsonWriter(marks: { first: string; between: string; after: string }): BlockWriter {
  const rows = new CanonicalRows();
  const between = Buffer.from(marks.between);
  const after = Buffer.from(marks.after);
  let before: Buffer = Buffer.from(marks.first);
  let full: Buffer[] = [];
  let chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let end = 0;

  function finish(nextBytes: number): void {
    if (end > 0) full.push(chunk.subarray(0, end));
    chunk = Buffer.allocUnsafeSlow(nextBytes);
    end = 0;
  }

  return {
    row(row) {
      const most = mostBytes(row.length) + before.length + after.length;
      if (chunk.length - end < most) finish(Math.max(CHUNK_BYTES, most));
      chunk.set(before, end);
      end = rows.write(row, chunk, end + before.length);
      chunk.set(after, end);
      end += after.length;
      before = between;
    },
    take() {
      finish(CHUNK_BYTES);
      const taken = full;
      full = [];
      return taken;
    },
  };
}
