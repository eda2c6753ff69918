import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { GraphQLSchema } from 'graphql';
import type { Outcome, Severity } from '../events/catalog.ts';
import type { EventFilterFunction } from '../log/append/extensions.ts';
import type { AuditEvent } from './audit-event.ts';
import type { PrincipalInput } from './calls.ts';
import type { AuditFilter } from './filters.ts';
import type { AuthEvent, DataEvent, LogEvent, SecurityEvent, Time } from './inputs.ts';

/** What every call may say. */
export interface CallOptions {
  /** On whose behalf. Default: the principal that the log was made with. */
  principal?: PrincipalInput | undefined;
}

/** What became of an event. */
export interface LogResult {
  /** `RECORDED`: durable; `DUPLICATE`: its idempotency key was used before; `FILTERED`: a filter declined it. */
  status: 'RECORDED' | 'DUPLICATE' | 'FILTERED';
  /** The event as it is in the log; undefined when it was filtered, or removed since by retention. */
  event: AuditEvent | undefined;
}

export type QueryOrder = 'timestamp_desc' | 'timestamp_asc' | 'position_desc' | 'position_asc';

export interface QueryOptions extends CallOptions {
  /** Default: 100; at most 1,000. */
  limit?: number | undefined;
  /** So many are passed over, 10,000 at most; not together with `after`. */
  offset?: number | undefined;
  /** Default: `timestamp_desc`, what happened last comes first. */
  order?: QueryOrder | undefined;
  /** A cursor, such as `endCursor`: what comes behind it. */
  after?: string | null | undefined;
}

/** A page of a list. */
export interface QueryResult {
  events: AuditEvent[];
  hasNextPage: boolean;
  /** For `after`; null on an empty page. */
  endCursor: string | null;
}

export interface SummaryOptions extends CallOptions {
  /** Inclusive. Default: a day before `endTime`. */
  startTime?: Time | undefined;
  /** Inclusive. Default: now. */
  endTime?: Time | undefined;
  filter?: AuditFilter | undefined;
  /** The length of a point of the timeline. Default: `hour`, or `day` where there would be more than 10,000 hours. */
  bucket?: 'minute' | 'hour' | 'day' | undefined;
  /** An IANA time zone, in which days begin. Default: `UTC`. */
  timeZone?: string | undefined;
  /** How many users, addresses and resources with the most events. Default: 10; at most 1,000. 0: none are counted. */
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
  /** Of a CSV: a comma, a semicolon, a tab or `|`. Default: a comma. */
  delimiter?: string | undefined;
  /** Whether a CSV begins with U+FEFF, for Excel. Default: false. */
  byteOrderMark?: boolean | undefined;
}

export interface FollowOptions extends CallOptions {
  /** This severity or a higher one. Default: all. */
  minSeverity?: Severity | undefined;
  filter?: AuditFilter | undefined;
  /** A cursor (`event.cursor`) or `beginning`: first everything later in the log, then live. Default: live from now on. */
  after?: string | null | undefined;
  /** Ends it when aborted. */
  signal?: AbortSignal | undefined;
}

/** That an event is in the log as it was signed. */
export interface Proof {
  leafIndex: number;
  treeSize: number;
  /** Lower-case hex, 32 bytes each, in the order of RFC 9162. */
  hashes: string[];
  /** All in one text (C2SP tlog-proof) with the event in it: `audit-log verify bundle` checks it offline. */
  bundle: string;
}

/** What a verification found. */
export interface VerifyResult {
  /** `undecided`: nothing was signed that the log could be compared with. */
  outcome: 'verified' | 'does not hold' | 'undecided';
  /** How many events the log has had. */
  size: number;
  /** Those before it were removed by retention. */
  firstPosition: number;
  /** Lower-case hex; undefined when not all events are known. */
  rootHash: string | undefined;
  /** How much was compared. */
  events: number;
  checkpoints: number;
  cosignatures: number;
  customerTrees: number;
  /** The first of each kind that is wrong. */
  findings: { kind: string; message: string; position?: number | undefined; count: number }[];
}

export interface VerifyOptions extends CallOptions {
  /** Checkpoints that were kept elsewhere: the log must continue them. */
  checkpoints?: readonly string[] | undefined;
  /** The log's public key, as a signed note writes it, from somebody you trust. Default: the database's own. */
  verifierKey?: string | undefined;
}

/** A function that gets each event that this log has recorded, or an object with a name for error messages. */
export type AuditEventHandler =
  | ((event: AuditEvent) => void | Promise<void>)
  | { name: string; handle(event: AuditEvent): void | Promise<void> };

/**
 * An audit log in this process. Every method throws an `AuditError` with a code, and for a wrong input with the path of
 * what is wrong.
 */
export interface AuditLog {
  /** Records an event: when it resolves with RECORDED, the event is durable, searchable, counted, provable and on the feed. */
  log(input: LogEvent, options?: CallOptions): Promise<LogResult>;
  /** Records 1 to 1,000 events, all or none, in their order. */
  logMany(input: readonly LogEvent[], options?: CallOptions): Promise<LogResult[]>;
  /** Records an authentication event (`auth.*`). */
  logAuthEvent(input: AuthEvent, options?: CallOptions): Promise<LogResult>;
  /** Records an access to data (`data.*`). */
  logDataEvent(input: DataEvent, options?: CallOptions): Promise<LogResult>;
  /** Records a security event (`security.*`). */
  logSecurityEvent(input: SecurityEvent, options?: CallOptions): Promise<LogResult>;
  /** The events that match, a page of them. */
  query(filter?: AuditFilter, options?: QueryOptions): Promise<QueryResult>;
  /** The event with this id; undefined when there is none that the principal may see. */
  get(id: string, options?: CallOptions): Promise<AuditEvent | undefined>;
  /** Exact counts; of the last day by default. */
  summary(options?: SummaryOptions): Promise<AuditSummary>;
  /** The events that match as a file, in the order of the log. Itself an event, before the first byte. */
  export(format: ExportFormat, options?: ExportOptions): Readable;
  /** Every event that matches, as it is committed, in the order of the log, each once. Leaving the loop ends it. */
  follow(options?: FollowOptions): AsyncIterableIterator<AuditEvent>;
  /** Removes what was recorded more days ago; 0: all up to now. Itself an event in the log. */
  purge(options: { olderThanDays: number } & CallOptions): Promise<{ purged: number }>;
  /** Compares every event that is stored with the tree, the head and all signed checkpoints. */
  verify(options?: VerifyOptions): Promise<VerifyResult>;
  /** Proves that the event is in the log. Throws NOT_FOUND when there is none that the principal may see. */
  prove(id: string, options?: CallOptions): Promise<Proof>;
  /** From now on decides whether an event is recorded: false declines it. Returns its removal. */
  addFilter(filter: EventFilterFunction): () => void;
  /** From now on gets every event that this log has recorded, one at a time, in order. Returns its removal. */
  addHandler(handler: AuditEventHandler): () => void;
  /** The schema of the API, to print or to compare. Its resolvers need the context that the handlers make. */
  readonly schema: GraphQLSchema;
  /**
   * The API for a server of the program (`node:http`, Express, Fastify), below any path: `<path>/graphql`, with GraphiQL and
   * server-sent events, `<path>/export/...` and `<path>/health/...`. Who asks sends an API key.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** The same for servers that take a `Request` (Next.js, Hono). */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Subscriptions over WebSocket, for the `upgrade` event of the program's server. */
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
  /** Finishes what was begun, ends what is followed, and closes every connection, ten seconds at most. */
  close(): Promise<void>;
  /** `await using log = await createAuditLog()` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}
