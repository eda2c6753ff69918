/** Longest values of the text fields, in UTF-16 code units. */
export const TEXT_BOUNDS = {
  idempotencyKey: 256,
  userId: 256,
  customerId: 256,
  sessionId: 256,
  requestId: 256,
  userAgent: 2_000,
  resourceType: 256,
  resourceId: 1_024,
  action: 256,
  description: 2_000,
} as const;
export type TextField = keyof typeof TEXT_BOUNDS;

/** Deepest nesting of objects and arrays in `details`, `oldValues` and `newValues`. */
export const MAX_JSON_DEPTH = 32;
/** Most members and elements in one of them, all levels together. */
export const MAX_JSON_VALUES = 10_000;
/** Longest canonical form of an event, in bytes: the most that an entry of a C2SP tlog-tiles bundle can hold. */
export const MAX_EVENT_BYTES = 65_535;
/**
 * Most characters of an event before redaction: its texts, and the keys and texts of its objects. Redaction shortens an
 * event, so this is more than `MAX_EVENT_BYTES`; it bounds the work on an event that is too large in any case.
 */
export const MAX_EVENT_CHARACTERS = 131_072;
/** Most members and elements in the `details` of a filter: each is compared with each element of an event's array. */
export const MAX_FILTER_VALUES = 100;
/** Most events in one `logEvents`. */
export const MAX_BATCH = 1_000;
