/** What can go wrong, as a client sees it: a code of this list, and for input errors the path of the field. */
export const ERROR_CODES = [
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'PAYLOAD_TOO_LARGE',
  'POSITION_PURGED',
  'QUERY_TOO_COMPLEX',
  'RATE_LIMITED',
  'TOO_MANY_SUBSCRIPTIONS',
  'TIMEOUT',
  'OVERLOADED',
  'UNAVAILABLE',
  'INTERNAL',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** When to try again what is refused only for now, in milliseconds, unless the error knows better. */
const RETRY_AFTER_MS: Partial<Record<ErrorCode, number>> = { OVERLOADED: 1_000, UNAVAILABLE: 1_000 };

/**
 * An error that a client may see in full: its message and path name what the client sent and nothing of the inside.
 * Whatever is not an `AuditError` reaches a client as INTERNAL with a request id, its cause only in the log.
 */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: ErrorCode;
  /** The argument that was refused, for example `input[17].details.a[3]`. */
  readonly path: string | undefined;
  /** After how many milliseconds the same may be accepted; undefined: trying again is of no use. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, path?: string, retryAfterMs = RETRY_AFTER_MS[code]) {
    super(path === undefined ? message : `${path}: ${message}`);
    this.code = code;
    this.path = path;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Shorthand for the commonest error: the caller's input at `path` is refused because of `message`. */
export function badInput(path: string, message: string): AuditError {
  return new AuditError('BAD_USER_INPUT', message, path);
}

const TRANSIENT_CODES =
  /^(08...|25P0[34]|57P0[1-5]|53300|40001|40P01|55P03|E(CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH).*)$/;
const TRANSIENT_MESSAGES =
  /connection (terminated|error|ended)|not queryable|timeout exceeded when trying to connect/i;

/** Whether the database could not be reached, broke off or was busy: what was sent may or may not be committed. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { code?: unknown };
  return (typeof code === 'string' && TRANSIENT_CODES.test(code)) || TRANSIENT_MESSAGES.test(error.message);
}

/** The error itself, or UNAVAILABLE in its place when it is transient. */
export function orUnavailable(error: unknown): unknown {
  if (!isTransient(error)) return error;
  const unavailable = new AuditError('UNAVAILABLE', 'the database cannot be reached: retry');
  return Object.assign(unavailable, { cause: error });
}
