import { crc32 } from 'node:zlib';
import { badInput } from '../errors.ts';
import { isEventTime } from '../events/time.ts';

/** A place in every order: the event's timestamp in milliseconds and its position. */
export interface Cursor {
  timestamp: number;
  position: number;
}

/**
 * The opaque text of a cursor. A checksum goes along, so that a text which was cut or changed is told from one of ours. It
 * is no secret: whoever makes a cursor of another place sees no more there than what the viewer may see anyway.
 */
export function formatCursor({ timestamp, position }: Cursor): string {
  const place = `${timestamp}:${position}`;
  return Buffer.from(`${place}:${crc32(place).toString(36)}`).toString('base64url');
}

/** Parses a cursor; throws BAD_USER_INPUT naming `path` when the text is none of ours. */
export function parseCursor(text: string, path: string): Cursor {
  const decoded = text.length <= 64 ? Buffer.from(text, 'base64url').toString('latin1') : '';
  const match = /^(-?\d{1,15}):(\d{1,16}):/.exec(decoded);
  const cursor = { timestamp: Number(match?.[1]), position: Number(match?.[2]) };
  const isPlace = isEventTime(cursor.timestamp) && Number.isSafeInteger(cursor.position);
  if (!isPlace || formatCursor(cursor) !== text) throw badInput(path, 'is not a cursor of this log');
  return cursor;
}
