/** The codes of errors that clients get. Input errors also have the path of the field. */
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

/** When to retry, in milliseconds, unless the error has a time of its own. */
const RETRY_AFTER_MS: Partial<Record<ErrorCode, number>> = { OVERLOADED: 1_000, UNAVAILABLE: 1_000 };

/**
 * An error that a client may see in full: its message and path name what the client sent and no internals. Any other error
 * reaches a client as INTERNAL with a request id, and its cause is only in the log.
 */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: ErrorCode;
  /** The argument that was refused, for example `input[17].details.a[3]`. */
  readonly path: string | undefined;
  /** After how many milliseconds a retry may succeed; undefined: a retry is of no use. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, path?: string, retryAfterMs = RETRY_AFTER_MS[code]) {
    super(path === undefined ? message : `${path}: ${message}`);
    this.code = code;
    this.path = path;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Creates the error for an invalid input at `path`. */
export function badInput(path: string, message: string): AuditError {
  return new AuditError('BAD_USER_INPUT', message, path);
}

/** Most problems that an error names. */
export const MAX_PROBLEMS = 100;

/** Several problems of one input, 100 at most. Its own message, code and path are those of the first. */
export class AuditErrors extends AuditError {
  readonly all: readonly AuditError[];

  constructor(all: readonly [AuditError, ...AuditError[]]) {
    super(all[0].code, '', all[0].path, all[0].retryAfterMs);
    this.message = all[0].message;
    this.all = all;
  }
}

/** Collects the problems of an input, so that the error names all of them, or the first `most`. */
export class Problems {
  readonly #found: AuditError[] = [];
  readonly #most: number;

  constructor(most = MAX_PROBLEMS) {
    this.#most = most;
  }

  get count(): number {
    return this.#found.length;
  }

  get found(): readonly AuditError[] {
    return this.#found;
  }

  /** Adds a problem. Throws all of them when there are `most`. */
  readonly add = (problem: AuditError): void => {
    this.#found.push(problem);
    if (this.#found.length >= this.#most) this.throwAny();
  };

  /** Returns the result of the work; undefined when it throws an `AuditError`, which is added. */
  attempt<Result>(work: () => Result): Result | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      this.add(error);
      return undefined;
    }
  }

  /** Throws the problems, if there are any. */
  throwAny(): void {
    const [first, ...others] = this.#found;
    if (first) throw others.length === 0 ? first : new AuditErrors([first, ...others]);
  }
}

interface Condition {
  code: 'UNAVAILABLE' | 'OVERLOADED';
  message: string;
  retryAfterMs: number;
  /** Whether a retry may succeed within milliseconds, so that the service retries before it answers. */
  isBrief: boolean;
}

/** The error that a client gets for each condition in which the database fails, but may succeed later. */
const CONDITIONS = {
  unreachable: {
    code: 'UNAVAILABLE',
    message: 'the database cannot be reached: retry',
    retryAfterMs: 1_000,
    isBrief: true,
  },
  refused: {
    code: 'UNAVAILABLE',
    message: 'the database refuses the service for now: retry',
    retryAfterMs: 5_000,
    isBrief: false,
  },
  conflict: {
    code: 'UNAVAILABLE',
    message: 'the database was busy with something else: retry',
    retryAfterMs: 1_000,
    isBrief: true,
  },
  stopped: {
    code: 'UNAVAILABLE',
    message: 'the database did not finish in time: retry',
    retryAfterMs: 1_000,
    isBrief: false,
  },
  exhausted: {
    code: 'OVERLOADED',
    message: 'the database has no resources left for this: retry later',
    retryAfterMs: 1_000,
    isBrief: true,
  },
  unwritable: {
    code: 'UNAVAILABLE',
    message: 'the database cannot store anything for now: retry later',
    retryAfterMs: 10_000,
    isBrief: false,
  },
} as const satisfies Record<string, Condition>;

/** A condition in which the database fails, but may succeed later. */
export type ConditionName = keyof typeof CONDITIONS;

/**
 * SQLSTATEs (PostgreSQL manual, appendix A) by class or code; the first match counts. Others are a mistake in a statement
 * (classes 0A, 21 to 26, 42, 44 ...), an error raised by the schema's functions (P0), or damage (XX): a retry is of no use,
 * and the client gets INTERNAL.
 */
const BY_SQLSTATE: readonly (readonly [RegExp, ConditionName | undefined])[] = [
  [/^08/, 'unreachable'], // connection_exception
  [/^25006/, 'unwritable'], // read_only_sql_transaction: a standby, or a database set read-only because it fills up
  [/^25P0[34]/, 'unreachable'], // the session was ended because its transaction was idle or took too long
  [/^(28|3D000|F0)/, 'refused'], // authorization, database does not exist, configuration file
  [/^40002/, undefined], // transaction_integrity_constraint_violation
  [/^40/, 'conflict'], // transaction_rollback: serialization, deadlock
  [/^53100/, 'unwritable'], // disk_full
  [/^53/, 'exhausted'], // memory, connections, configured limits
  [/^55(006|P03)/, 'conflict'], // object_in_use, lock_not_available
  [/^57014/, 'stopped'], // query_canceled: statement_timeout, or an operator
  [/^57/, 'unreachable'], // operator_intervention: shutdown, crash, starting up, idle session
  [/^58/, 'unwritable'], // system_error: the server's own file system
  [/^72000/, 'conflict'], // snapshot_too_old, before version 17
];

/** Codes of Node and OpenSSL for a connection that cannot be made or was broken. */
const UNREACHABLE_CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|ENETRESET|ENOTFOUND|EAI_\w+|EADDRNOTAVAIL|EPROTO|ERR_(TLS|SSL|STREAM_(DESTROYED|WRITE_AFTER_END|PREMATURE_CLOSE))\w*|CERT_\w+|UNABLE_TO_\w+|\w*SELF_SIGNED_CERT\w*|HOSTNAME_MISMATCH)$/;
/** Codes that mean the same for a connection, but not for a file. */
const CONNECT_CODES = /^(ENOENT|EACCES|EPERM|EAGAIN|EMFILE|ENFILE|ENOBUFS|ENOMEM)$/;
const CONNECT_CALLS = ['connect', 'socket', 'getaddrinfo'];
/** The same errors from Prisma: without the call, but with the system's message at the end of Prisma's. */
const CONNECT_MESSAGE = /^(connect|socket|getaddrinfo) E/;

/** Codes of Prisma (its manual, "Error reference") that come without a SQLSTATE. */
const BY_PRISMA: Readonly<Record<string, ConditionName>> = {
  P1000: 'refused',
  P1001: 'unreachable',
  P1002: 'unreachable',
  P1003: 'refused',
  P1008: 'unreachable',
  P1010: 'refused',
  P1011: 'unreachable',
  P1017: 'unreachable',
  P1018: 'stopped', // a transaction that was closed
  P2024: 'exhausted', // no connection of the pool became free
  P2028: 'exhausted', // a transaction did not begin, or was not over, in time
  P2034: 'conflict',
  P2037: 'exhausted', // too many connections
};

/** The names of socket errors in Prisma's adapter for pg. Prisma itself has one code for all of them (P2010, of raw SQL). */
const BY_KIND: Readonly<Record<string, ConditionName>> = {
  DatabaseNotReachable: 'unreachable',
  ConnectionClosed: 'unreachable',
  SocketTimeout: 'unreachable',
  TlsConnectionError: 'unreachable',
  TransactionAlreadyClosed: 'stopped',
};

/** Messages of pg and pg-pool that have no code. */
const BY_MESSAGE: readonly (readonly [RegExp, ConditionName])[] = [
  [/^timeout exceeded when trying to connect/, 'exhausted'], // no connection of the pool became free
  [/^(Query read timeout|Connection terminated|Connection ended|timeout expired)/, 'unreachable'],
  [/is not queryable$/, 'unreachable'],
  [/^Cannot use a pool after calling end/, 'unreachable'],
  [/^(The server does not support SSL|There was an error establishing an SSL)/, 'unreachable'],
];

/** The members of errors of pg, pg-pool, Prisma and sockets. */
interface Known {
  code?: unknown;
  /** Set by Prisma when it could not connect. */
  errorCode?: unknown;
  syscall?: unknown;
  severity?: unknown;
  meta?: { driverAdapterError?: { cause?: { originalCode?: unknown; kind?: unknown; severity?: unknown } } };
}

/** The SQLSTATE of an error of PostgreSQL, as `pg` or Prisma throws it; undefined for other errors. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code, severity, meta } = (error ?? {}) as Known;
  const state = meta?.driverAdapterError?.cause?.originalCode ?? (severity === undefined ? undefined : code);
  return typeof state === 'string' ? state : undefined;
}

/** The condition of the database that an error shows; undefined: a retry is of no use. */
export function conditionOf(error: unknown): ConditionName | undefined {
  if (!(error instanceof Error) || error instanceof AuditError) return undefined;
  const { code, errorCode, syscall, severity, meta } = error as Known;
  const adapter = meta?.driverAdapterError?.cause;
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) {
    const row = BY_SQLSTATE.find(([states]) => states.test(sqlState));
    if (row) return row[1];
    // PostgreSQL ends the session with a FATAL error, or refuses to begin it.
    return ['FATAL', 'PANIC'].includes(String(adapter?.severity ?? severity)) ? 'unreachable' : undefined;
  }
  if (typeof adapter?.kind === 'string') return BY_KIND[adapter.kind];
  // Prisma puts lines of its own before the message of the driver.
  const said = error.message.slice(error.message.lastIndexOf('\n') + 1);
  const name = code ?? errorCode;
  if (typeof name !== 'string') return BY_MESSAGE.find(([message]) => message.test(said))?.[1];
  if (UNREACHABLE_CODES.test(name)) return 'unreachable';
  const isOfConnection = CONNECT_CALLS.includes(String(syscall)) || CONNECT_MESSAGE.test(said);
  if (CONNECT_CODES.test(name) && isOfConnection) return 'unreachable';
  return BY_PRISMA[name];
}

/** Whether the database was unreachable or busy for a moment. The statement may or may not be committed. */
export function isTransient(error: unknown): boolean {
  const condition = conditionOf(error);
  return condition !== undefined && CONDITIONS[condition].isBrief;
}

/**
 * Returns UNAVAILABLE or OVERLOADED with the error as its cause when a retry may succeed, else the error itself. `message`
 * replaces the message that says to retry.
 */
export function orUnavailable(error: unknown, message?: string): unknown {
  const condition = conditionOf(error);
  return condition === undefined ? error : unavailable(condition, error, message);
}

/** Returns the error that a client gets for a condition of the database, with its cause. */
export function unavailable(condition: ConditionName, cause: unknown, message?: string): AuditError {
  const { code, retryAfterMs, ...said } = CONDITIONS[condition];
  return Object.assign(new AuditError(code, message ?? said.message, undefined, retryAfterMs), { cause });
}
