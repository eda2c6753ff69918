import { randomFillSync } from 'node:crypto';

const ID = /^audit_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/;

/** A new event id: `audit_` and the 32 hex digits of a UUIDv7 (RFC 9562, section 5.7) of the time given. */
export function eventId(now: number): string {
  const bytes = takeRandom(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return `audit_${bytes.toString('hex')}`;
}

/** Whether the text has the form of an event id. */
export function isEventId(text: string): boolean {
  return ID.test(text);
}

// Filled by one system call for many values. One call per value would take a third of the time to prepare an event.
const pool = Buffer.alloc(16_384);
let taken = pool.length;

/** Returns random bytes, 16,384 at most, which no other call returns. The buffer is valid until the next call. */
export function takeRandom(bytes: number): Buffer {
  if (taken + bytes > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const start = taken;
  taken += bytes;
  return pool.subarray(start, taken);
}
