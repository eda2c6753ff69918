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
 * Creates the idempotency keys of the records of one input, in its order. A record with an id that its source guarantees
 * to be unique has that id as its key: delivered again with other members, it is the same event.
 *
 * The key of any other record is a hash of the format and of its content (the sorted form of JSON, or the log line), but
 * not of the name, the compression or the position of its file. So the same log has the same keys under another name,
 * uncompressed, in pieces, and through a pipe. Equal records of one input are different events, because the times of
 * syslog have a resolution of one second; from the second on, the key contains the number of the occurrence. Equal records
 * in two inputs are the same event, as in rotated, overlapping or merged logs.
 *
 * Memory is bounded: a record is forgotten after 250,000 to 500,000 other ones. An equal record after that gets the key of
 * the first. This depends only on the input, so a second run makes the same keys.
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
