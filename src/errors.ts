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

/** Most problems that a refusal names. */
export const MAX_PROBLEMS = 100;

/** A refusal for several reasons, 100 at most. As one error it is the first of them. */
export class AuditErrors extends AuditError {
  readonly all: readonly AuditError[];

  constructor(all: readonly [AuditError, ...AuditError[]]) {
    super(all[0].code, '', all[0].path, all[0].retryAfterMs);
    this.message = all[0].message;
    this.all = all;
  }
}

/** Collects what is wrong with an input, so that its refusal names all of it: of very much, the first `most`. */
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

  /** Adds a problem; throws all of them when there are enough. */
  readonly add = (problem: AuditError): void => {
    this.#found.push(problem);
    if (this.#found.length >= this.#most) this.throwAny();
  };

  /** What the work returns; undefined when it throws an `AuditError`, which is added. */
  attempt<Result>(work: () => Result): Result | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof AuditError)) throw error;
      this.add(error);
      return undefined;
    }
  }

  /** Throws what was found, if anything. */
  throwAny(): void {
    const [first, ...others] = this.#found;
    if (first) throw others.length === 0 ? first : new AuditErrors([first, ...others]);
  }
}

interface Condition {
  code: 'UNAVAILABLE' | 'OVERLOADED';
  message: string;
  retryAfterMs: number;
  /** Whether the same may succeed within milliseconds, so that it is worth another attempt before a client hears of it. */
  isBrief: boolean;
}

/** What a client is told of each state of the database in which it cannot do what was asked, but may later. */
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

/** A state in which the database cannot do what was asked, but may later. */
export type ConditionName = keyof typeof CONDITIONS;

/**
 * SQLSTATEs (PostgreSQL manual, appendix A) by class or code; the first match counts. What is not here is a mistake in a
 * statement (classes 0A, 21 to 26, 42, 44 ...), a refusal by a rule of ours (P0), or damage (XX): trying again is of no
 * use, and the client gets INTERNAL.
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

/** Codes of Node and OpenSSL for a connection that cannot be made or broke. */
const UNREACHABLE_CODES =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)(UNREACH|DOWN)|ENETRESET|ENOTFOUND|EAI_\w+|EADDRNOTAVAIL|EPROTO|ERR_(TLS|SSL|STREAM_(DESTROYED|WRITE_AFTER_END|PREMATURE_CLOSE))\w*|CERT_\w+|UNABLE_TO_\w+|\w*SELF_SIGNED_CERT\w*|HOSTNAME_MISMATCH)$/;
/** Codes that say so of a connection alone: of a file they mean something else. */
const CONNECT_CODES = /^(ENOENT|EACCES|EPERM|EAGAIN|EMFILE|ENFILE|ENOBUFS|ENOMEM)$/;
const CONNECT_CALLS = ['connect', 'socket', 'getaddrinfo'];
/** The same as Prisma hands them on: without the call, but with the system's message at the end of its own. */
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

/** What its adapter for pg calls errors of a socket, where Prisma has one code for all (P2010, of raw SQL). */
const BY_KIND: Readonly<Record<string, ConditionName>> = {
  DatabaseNotReachable: 'unreachable',
  ConnectionClosed: 'unreachable',
  SocketTimeout: 'unreachable',
  TlsConnectionError: 'unreachable',
  TransactionAlreadyClosed: 'stopped',
};

/** What pg and pg-pool say without a code. */
const BY_MESSAGE: readonly (readonly [RegExp, ConditionName])[] = [
  [/^timeout exceeded when trying to connect/, 'exhausted'], // no connection of the pool became free
  [/^(Query read timeout|Connection terminated|Connection ended|timeout expired)/, 'unreachable'],
  [/is not queryable$/, 'unreachable'],
  [/^Cannot use a pool after calling end/, 'unreachable'],
  [/^(The server does not support SSL|There was an error establishing an SSL)/, 'unreachable'],
];

/** What an error of pg, pg-pool, Prisma or a socket may have. */
interface Known {
  code?: unknown;
  /** Of Prisma when it could not begin at all. */
  errorCode?: unknown;
  syscall?: unknown;
  severity?: unknown;
  meta?: { driverAdapterError?: { cause?: { originalCode?: unknown; kind?: unknown; severity?: unknown } } };
}

/** In which state the database was when it failed with this error; undefined: trying again is of no use. */
export function conditionOf(error: unknown): ConditionName | undefined {
  if (!(error instanceof Error) || error instanceof AuditError) return undefined;
  const { code, errorCode, syscall, severity, meta } = error as Known;
  const adapter = meta?.driverAdapterError?.cause;
  const sqlState = adapter?.originalCode ?? (severity === undefined ? undefined : code);
  if (typeof sqlState === 'string') {
    const row = BY_SQLSTATE.find(([states]) => states.test(sqlState));
    if (row) return row[1];
    // The server ends the session with such an error, or does not begin it.
    return ['FATAL', 'PANIC'].includes(String(adapter?.severity ?? severity)) ? 'unreachable' : undefined;
  }
  if (typeof adapter?.kind === 'string') return BY_KIND[adapter.kind];
  // Prisma puts lines of its own, and of the source, before the message of what it stands on.
  const said = error.message.slice(error.message.lastIndexOf('\n') + 1);
  const name = code ?? errorCode;
  if (typeof name !== 'string') return BY_MESSAGE.find(([message]) => message.test(said))?.[1];
  if (UNREACHABLE_CODES.test(name)) return 'unreachable';
  const isOfConnection = CONNECT_CALLS.includes(String(syscall)) || CONNECT_MESSAGE.test(said);
  if (CONNECT_CODES.test(name) && isOfConnection) return 'unreachable';
  return BY_PRISMA[name];
}

/** Whether the database could not be reached, broke off or was busy: what was sent may or may not be committed. */
export function isTransient(error: unknown): boolean {
  const condition = conditionOf(error);
  return condition !== undefined && CONDITIONS[condition].isBrief;
}

/**
 * The error itself; or in its place, with it as the cause, UNAVAILABLE or OVERLOADED when it may pass. `message` tells the
 * client something else than to retry.
 */
export function orUnavailable(error: unknown, message?: string): unknown {
  const condition = conditionOf(error);
  if (condition === undefined) return error;
  const { code, retryAfterMs, ...said } = CONDITIONS[condition];
  return Object.assign(new AuditError(code, message ?? said.message, undefined, retryAfterMs), {
    cause: error,
  });
}
