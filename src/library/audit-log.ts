import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { GraphQLSchema } from 'graphql';
import type { Outcome, Severity } from '../events/catalog.ts';
import type { EventFilterFunction } from '../log/append/extensions.ts';
import type { AuditEvent } from './audit-event.ts';
import type { PrincipalInput } from './calls.ts';
import type { AuditFilter } from './filters.ts';
import type { AuthEvent, DataEvent, LogEvent, SecurityEvent, Time } from './inputs.ts';

/** Options of every call. */
export interface CallOptions {
  /** The principal that the call is made for. Default: the principal of the log. */
  principal?: PrincipalInput | undefined;
}

/** The result of recording an event. */
export interface LogResult {
  /** `RECORDED`: durable; `DUPLICATE`: its idempotency key was used before; `FILTERED`: a filter declined it. */
  status: 'RECORDED' | 'DUPLICATE' | 'FILTERED';
  /** The event as it is stored. Undefined when a filter declined it, or when retention has removed the duplicate's first event. */
  event: AuditEvent | undefined;
}

export type QueryOrder = 'timestamp_desc' | 'timestamp_asc' | 'position_desc' | 'position_asc';

export interface QueryOptions extends CallOptions {
  /** Default: 100; at most 1,000. */
  limit?: number | undefined;
  /** Skips so many events, at most 10,000. Cannot be combined with `after`. */
  offset?: number | undefined;
  /** Default: `timestamp_desc`, the latest first. */
  order?: QueryOrder | undefined;
  /** A cursor, such as `endCursor`. Returns the events after it. */
  after?: string | null | undefined;
}

/** A page of events. */
export interface QueryResult {
  events: AuditEvent[];
  hasNextPage: boolean;
  /** The cursor of the last event, for `after`. Null on an empty page. */
  endCursor: string | null;
}

export interface SummaryOptions extends CallOptions {
  /** Inclusive. Default: a day before `endTime`. */
  startTime?: Time | undefined;
  /** Inclusive. Default: now. */
  endTime?: Time | undefined;
  filter?: AuditFilter | undefined;
  /** The bucket size of the timeline. Default: `hour`, or `day` for a period of more than 10,000 hours. */
  bucket?: 'minute' | 'hour' | 'day' | undefined;
  /** The IANA time zone of the timeline's buckets. Default: `UTC`. */
  timeZone?: string | undefined;
  /** How many users, addresses and resources with the most events to return. Default: 10; at most 1,000; 0: none. */
  top?: number | undefined;
}

export interface ValueCount {
  value: string;
  count: number;
}

/** Exact counts of the events of a period. Times are milliseconds since 1970. */
export interface AuditSummary {
  totalEvents: number;
  period: { start: number; end: number };
  byType: { eventType: string; count: number }[];
  byOutcome: { outcome: Outcome; count: number }[];
  bySeverity: { severity: Severity; count: number }[];
  timeline: { start: number; count: number; bySeverity: { severity: Severity; count: number }[] }[];
  topUsers: ValueCount[];
  topIpAddresses: ValueCount[];
  topResources: (ValueCount & { resourceType: string; resourceId: string })[];
}

export type ExportFormat = 'json' | 'csv' | 'ndjson';

export interface ExportOptions extends CallOptions {
  filter?: AuditFilter | undefined;
  /** The delimiter of a CSV: a comma, a semicolon, a tab or `|`. Default: a comma. */
  delimiter?: string | undefined;
  /** Whether a CSV starts with a byte order mark (U+FEFF), for Excel. Default: false. */
  byteOrderMark?: boolean | undefined;
}

export interface FollowOptions extends CallOptions {
  /** This severity or a higher one. Default: all. */
  minSeverity?: Severity | undefined;
  filter?: AuditFilter | undefined;
  /**
   * A cursor (`event.cursor`) or `beginning`: delivers the events after it that are in the log, then live events. Default:
   * only live events from the call on.
   */
  after?: string | null | undefined;
  /** Ends the iteration when aborted. */
  signal?: AbortSignal | undefined;
}

/** A proof that an event is in the signed log. */
export interface Proof {
  leafIndex: number;
  treeSize: number;
  /** Lower-case hex, 32 bytes each, in the order of RFC 9162. */
  hashes: string[];
  /** Proof and event in one text (C2SP tlog-proof), which `audit-log verify bundle` verifies offline. */
  bundle: string;
}

/** The result of a verification. */
export interface VerifyResult {
  /** `undecided`: there is no signed checkpoint to compare the log with. */
  outcome: 'verified' | 'does not hold' | 'undecided';
  /** The number of events ever recorded. */
  size: number;
  /** Retention has removed the events before this position. */
  firstPosition: number;
  /** In lower-case hex. Undefined when the root hash cannot be computed. */
  rootHash: string | undefined;
  /** The numbers of verified events, checkpoints, cosignatures and customer trees. */
  events: number;
  checkpoints: number;
  cosignatures: number;
  customerTrees: number;
  /** The first problem of each kind, with the count of that kind. */
  findings: { kind: string; message: string; position?: number | undefined; count: number }[];
}

export interface VerifyOptions extends CallOptions {
  /** Checkpoints that were saved elsewhere. The log must be consistent with them. */
  checkpoints?: readonly string[] | undefined;
  /** The log's verifier key in the format of signed notes, from a source that you trust. Default: the one in the database. */
  verifierKey?: string | undefined;
}

/** A function that is called with each event that this log has recorded, or an object with a name for error messages. */
export type AuditEventHandler =
  | ((event: AuditEvent) => void | Promise<void>)
  | { name: string; handle(event: AuditEvent): void | Promise<void> };

/**
 * An audit log in this process. Every method throws an `AuditError` with a code and, for an invalid input, the path of the
 * invalid value.
 */
export interface AuditLog {
  /** Records an event. When the status is RECORDED, the event is durable, searchable, counted, provable and on the feed. */
  log(input: LogEvent, options?: CallOptions): Promise<LogResult>;
  /** Records 1 to 1,000 events, all or none, in their order. */
  logMany(input: readonly LogEvent[], options?: CallOptions): Promise<LogResult[]>;
  /** Records an authentication event (`auth.*`). */
  logAuthEvent(input: AuthEvent, options?: CallOptions): Promise<LogResult>;
  /** Records an access to data (`data.*`). */
  logDataEvent(input: DataEvent, options?: CallOptions): Promise<LogResult>;
  /** Records a security event (`security.*`). */
  logSecurityEvent(input: SecurityEvent, options?: CallOptions): Promise<LogResult>;
  /** Returns a page of the matching events. */
  query(filter?: AuditFilter, options?: QueryOptions): Promise<QueryResult>;
  /** Returns the event with this id. Undefined when there is none that the principal may see. */
  get(id: string, options?: CallOptions): Promise<AuditEvent | undefined>;
  /** Returns exact counts. Default period: the last day. */
  summary(options?: SummaryOptions): Promise<AuditSummary>;
  /** Exports the matching events in log order. The export itself is recorded as an event before the first byte. */
  export(format: ExportFormat, options?: ExportOptions): Readable;
  /** Iterates over the matching events as they are committed, in log order, each once. Leaving the loop ends it. */
  follow(options?: FollowOptions): AsyncIterableIterator<AuditEvent>;
  /** Removes the events that were recorded more than so many days ago; 0: all so far. The purge itself is recorded as an event. */
  purge(options: { olderThanDays: number } & CallOptions): Promise<{ purged: number }>;
  /** Verifies every stored event against the tree, the head and all signed checkpoints. */
  verify(options?: VerifyOptions): Promise<VerifyResult>;
  /** Proves that the event is in the log. Throws NOT_FOUND when there is none that the principal may see. */
  prove(id: string, options?: CallOptions): Promise<Proof>;
  /** Adds a filter, which declines an event by returning false. Returns a function that removes the filter. */
  addFilter(filter: EventFilterFunction): () => void;
  /** Adds a handler, which is called with every event that this log records, one at a time, in order. Returns a function that
   * removes it. */
  addHandler(handler: AuditEventHandler): () => void;
  /** The schema of the API, to print or compare it. Its resolvers need the context that `handler` and `fetch` create. */
  readonly schema: GraphQLSchema;
  /**
   * Serves the API in a server of the program (`node:http`, Express, Fastify), below any path: `<path>/graphql` with GraphiQL
   * and server-sent events, `<path>/export/...` and `<path>/health/...`. Clients send an API key.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Serves the API in a server that uses `Request` and `Response` (Next.js, Hono). */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Serves subscriptions over WebSocket. For the `upgrade` event of the program's server. */
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  /** Finishes pending calls, ends iterations of `follow`, and closes every connection. Takes at most ten seconds. */
  close(): Promise<void>;
  /** `await using log = await createAuditLog()` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
