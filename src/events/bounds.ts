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
/** Most events in one `logEvents`. */
export const MAX_BATCH = 1_000;
