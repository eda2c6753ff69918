import { createHash } from 'node:crypto';

/** Equal records of one input are counted when fewer than this many other records lie between them. */
const REMEMBERED_RECORDS = 250_000;

/** The part of a key that marks the id of a record. */
const OWN_ID = 'id';

/** Whether a key is made from the id of a record, so that another event with it is a redelivery. */
export function isOwnId(key: string | undefined): boolean {
  return key !== undefined && (key.startsWith('export:') || key.split(':')[2] === OWN_ID);
}

/**
 * Makes the idempotency keys of one input, in its order. A record with an id that its source promises to be unique
 * has that id as its key, whatever else is in it: delivered again, with a member more or less, it is the same event.
 *
 * The key of any other record is a hash of the format and of the record's content (for JSON the sorted form, for log
 * lines the lines), and of nothing else: not of the file's name, its compression or its place, so that the same log by
 * another name, unpacked, in pieces, or through a pipe gives the same keys. Two equal records of one input are two
 * events (syslog has a resolution of one second: two equal lines are two attempts): the second has its occurrence
 * number in the key. Equal records in two inputs are taken for one event found twice (rotated, overlapping or merged
 * logs).
 *
 * Memory is bounded: a record is forgotten after 250,000 to 500,000 other ones, and what is equal to a forgotten
 * record counts as its repetition. Which records those are depends on the input alone, so a second run agrees.
 */
export function createIdempotencyKeys(
  format: string,
): (content: string, sourceId: string | undefined) => string {
  let recent = new Map<string, number>();
  let older = new Map<string, number>();
  return (content, sourceId) => {
    if (sourceId !== undefined) return `import:${format}:${OWN_ID}:${sourceId}`;
    const hash = createHash('sha256').update(`${format}\n${content}`).digest('base64url');
    const key = `import:${format}:${hash}`;
    const occurrence = (recent.get(hash) ?? older.get(hash) ?? 0) + 1;
    if (recent.size >= REMEMBERED_RECORDS && !recent.has(hash)) {
      older = recent;
      recent = new Map();
    }
    recent.set(hash, occurrence);
    return occurrence === 1 ? key : `${key}:${occurrence}`;
  };
}
