import { crc32 } from 'node:zlib';
import { badInput } from '../../errors.ts';
import { isEventTime } from '../../events/time.ts';

/** The place of an event in every order: its timestamp in milliseconds, and its position. */
export interface Cursor {
  timestamp: number;
  position: number;
}

const POSITION_AT = 8;
const CHECKSUM_AT = 16;
const LENGTH = 20;
// Reused for each cursor: a page has one for each event.
const bytes = Buffer.alloc(LENGTH);
const payload = bytes.subarray(0, CHECKSUM_AT);

/**
 * The opaque text of a cursor: base64url of timestamp and position as doubles, then their CRC-32. The checksum detects
 * truncated and altered texts. It is no protection, and needs to be none: a forged cursor shows only events that the
 * principal may see anyway.
 */
export function formatCursor({ timestamp, position }: Cursor): string {
  bytes.writeDoubleBE(timestamp, 0);
  bytes.writeDoubleBE(position, POSITION_AT);
  bytes.writeUInt32BE(crc32(payload), CHECKSUM_AT);
  return bytes.toString('base64url');
}

/** Parses a cursor. Throws BAD_USER_INPUT at `path` when the text is not one that `formatCursor` makes. */
export function parseCursor(text: string, path: string): Cursor {
  const cursor = cursorIn(Buffer.from(text.slice(0, 2 * LENGTH), 'base64url'));
  if (!cursor || !isCursorOfLog(cursor) || formatCursor(cursor) !== text)
    throw badInput(path, 'is not a cursor of this log');
  return cursor;
}

function cursorIn(given: Buffer): Cursor | undefined {
  if (given.length !== LENGTH) return undefined;
  // Adding 0 turns -0 into 0, so that a text with -0 differs from its canonical form.
  return { timestamp: given.readDoubleBE(0) + 0, position: given.readDoubleBE(POSITION_AT) + 0 };
}

function isCursorOfLog({ timestamp, position }: Cursor): boolean {
  return (
    Number.isInteger(timestamp) && isEventTime(timestamp) && Number.isSafeInteger(position) && position >= 0
  );
}
