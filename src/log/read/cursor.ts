import { crc32 } from 'node:zlib';
import { badInput } from '../../errors.ts';
import { isEventTime } from '../../events/time.ts';

/** A place in every order: the event's timestamp in milliseconds and its position. */
export interface Cursor {
  timestamp: number;
  position: number;
}

const POSITION_AT = 8;
const CHECKSUM_AT = 16;
const LENGTH = 20;
// Filled anew each time: a page has one for each of its events.
const bytes = Buffer.alloc(LENGTH);
const payload = bytes.subarray(0, CHECKSUM_AT);

/**
 * The opaque text of a cursor: base64url of the two as doubles and of their CRC-32. The checksum goes along so that a
 * text which was cut or changed is told from one of ours. It is no secret: whoever makes a cursor of another place sees
 * no more there than what the principal may see anyway.
 */
export function formatCursor({ timestamp, position }: Cursor): string {
  bytes.writeDoubleBE(timestamp, 0);
  bytes.writeDoubleBE(position, POSITION_AT);
  bytes.writeUInt32BE(crc32(payload), CHECKSUM_AT);
  return bytes.toString('base64url');
}

/** Parses a cursor; throws BAD_USER_INPUT naming `path` when the text is none of ours. */
export function parseCursor(text: string, path: string): Cursor {
  const cursor = cursorIn(Buffer.from(text.slice(0, 2 * LENGTH), 'base64url'));
  if (!cursor || !isCursorOfLog(cursor) || formatCursor(cursor) !== text)
    throw badInput(path, 'is not a cursor of this log');
  return cursor;
}

function cursorIn(given: Buffer): Cursor | undefined {
  if (given.length !== LENGTH) return undefined;
  // Added, so that what says -0 is written otherwise than it came.
  return { timestamp: given.readDoubleBE(0) + 0, position: given.readDoubleBE(POSITION_AT) + 0 };
}

function isCursorOfLog({ timestamp, position }: Cursor): boolean {
  return (
    Number.isInteger(timestamp) && isEventTime(timestamp) && Number.isSafeInteger(position) && position >= 0
  );
}
