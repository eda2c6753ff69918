import { createHash } from 'node:crypto';

/** Equal records are told apart when fewer than this many other records lie between them in a file. */
const REMEMBERED_RECORDS = 250_000;

/**
 * Makes the idempotency keys of one input, in its order. A key is a hash of the format and of the record's content
 * (for JSON the sorted form, for a log line the line), and of nothing else: not of the file's name, its compression
 * or its place, so that the same log by another name, unpacked, in pieces, or through a pipe gives the same keys.
 *
 * Two equal records of one input are two events when the source gives no id of its own (syslog has a resolution of
 * one second: two equal lines are two attempts): the second has its occurrence number in the key. When the record
 * carries an id that the source promises to be unique, they are one event that was delivered twice: no number.
 * Equal records in two inputs are taken for one event found twice (rotated, overlapping or merged logs).
 *
 * Memory is bounded: a record is forgotten after 250,000 to 500,000 other ones, and what is equal to a forgotten
 * record counts as its repetition. Which records those are depends on the input alone, so a second run agrees.
 */
export function createKeys(format: string): (content: string, sourceId: string | undefined) => string {
  let recent = new Map<string, number>();
  let older = new Map<string, number>();
  return (content, sourceId) => {
    const hash = createHash('sha256').update(`${format}\n${content}`).digest('base64url');
    const key = `import:${format}:${hash}`;
    if (sourceId !== undefined) return key;
    const occurrence = (recent.get(hash) ?? older.get(hash) ?? 0) + 1;
    if (recent.size >= REMEMBERED_RECORDS && !recent.has(hash)) {
      older = recent;
      recent = new Map();
    }
    recent.set(hash, occurrence);
    return occurrence === 1 ? key : `${key}:${occurrence}`;
  };
}
