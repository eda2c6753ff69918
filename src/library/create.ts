import type { Readable } from 'node:stream';
import type { GraphQLSchema } from 'graphql';
import type { Config } from '../config.ts';
import { badInput } from '../errors.ts';
import type { EventFilterFunction } from '../log/append/extensions.ts';
import { createSchema } from '../schema/schema.ts';
import { purge, verify } from './admin.ts';
import type { AuditEvent } from './audit-event.ts';
import type {
  AuditEventHandler,
  AuditLog,
  CallOptions,
  ExportFormat,
  ExportOptions,
  FollowOptions,
  QueryOptions,
  SummaryOptions,
  VerifyOptions,
} from './audit-log.ts';
import { contextOfPrincipal, type PrincipalInput } from './calls.ts';
import type { AuditFilter } from './filters.ts';
import {
  type AuthEvent,
  type DataEvent,
  type LogEvent,
  readAuthEvent,
  readDataEvent,
  readEvent,
  readSecurityEvent,
  type SecurityEvent,
} from './inputs.ts';
import { createMount, type Mount } from './mount.ts';
import { type OpenLog, openLog, withAuditEvents } from './open.ts';
import {
  type AuditLogOptions,
  configOf,
  createProcessLogger,
  environmentConfig,
  type LogOptions,
} from './options.ts';
import { closedError, exportEvents, follow, get, prove, query, summary } from './read.ts';
import { writeMany, writeOne } from './write.ts';

/**
 * Opens an audit log in this process, on a PostgreSQL (`databaseUrl`) or on an embedded one under `dataDir`. It does not
 * listen on a port and does not read the environment. Throws when the database cannot be used.
 */
export async function createAuditLog(options: AuditLogOptions = {}): Promise<AuditLog> {
  const { dataDir, settings, principal = {}, publicUrl, ...rest } = options;
  contextOfPrincipal(principal);
  const opened = await openWithConfig(configOf(settings, dataDir), rest);
  if (publicUrl !== undefined) opened.services.baseUrl = () => publicUrl.replace(/\/$/, '');
  return new ProcessLog(opened, principal);
}

let processLog: Promise<AuditLog> | undefined;

/**
 * The audit log of this process, opened on first use with the settings of the environment (`DATABASE_URL`, `DATA_DIR` and the
 * others of `.env.example`). Every caller gets the same one until it is closed.
 */
export function getAuditLog(): Promise<AuditLog> {
  processLog ??= openFromEnvironment().catch((error) => {
    processLog = undefined;
    throw error;
  });
  return processLog;
}

async function openFromEnvironment(): Promise<AuditLog> {
  const log: AuditLog = new ProcessLog(await openWithConfig(environmentConfig()), {});
  const close = log.close.bind(log);
  log.close = () => {
    processLog = undefined;
    return close();
  };
  return log;
}

async function openWithConfig(config: Config, options: Omit<LogOptions, 'config'> = {}): Promise<OpenLog> {
  const { log = createProcessLogger(config), onAdminKey } = options;
  const hasAdminKey = config.ADMIN_API_KEY !== undefined || onAdminKey !== undefined;
  const open = await openLog({ ...options, config, log, hasAdminKey });
  // Links are relative to the address of the mounted API.
  open.services.baseUrl = () => '.';
  return open;
}

/** The audit log that a program holds: an open log and its default principal. */
class ProcessLog implements AuditLog {
  readonly #log: OpenLog;
  readonly #principal: PrincipalInput;
  readonly #mount: Mount;
  readonly handler: Mount['handler'];
  readonly fetch: Mount['fetch'];
  readonly handleUpgrade: Mount['handleUpgrade'];
  #schema: GraphQLSchema | undefined;
  #closed: Promise<void> | undefined;

  constructor(log: OpenLog, principal: PrincipalInput) {
    this.#log = log;
    this.#principal = principal;
    this.#mount = createMount(log);
    // Own properties, so that they can be passed on without the log.
    this.handler = this.#mount.handler;
    this.fetch = this.#mount.fetch;
    this.handleUpgrade = this.#mount.handleUpgrade;
    // The server tells clients that it closes before the feed ends: else the end would reach them as a completion.
    log.closers.add(this.#mount, async (mount) => {
      const closed = mount.close();
      log.services.feed.close();
      await closed;
    });
  }

  get schema(): GraphQLSchema {
    this.#schema ??= createSchema(this.#log.services.catalog);
    return this.#schema;
  }

  async log(input: LogEvent, options?: CallOptions) {
    return writeOne(this.#open, readEvent, input, this.#call({ ...options, what: 'logEvent' }));
  }

  async logMany(input: readonly LogEvent[], options?: CallOptions) {
    return writeMany(this.#open, input, this.#call(options));
  }

  async logAuthEvent(input: AuthEvent, options?: CallOptions) {
    return writeOne(this.#open, readAuthEvent, input, this.#call({ ...options, what: 'logAuthEvent' }));
  }

  async logDataEvent(input: DataEvent, options?: CallOptions) {
    return writeOne(this.#open, readDataEvent, input, this.#call({ ...options, what: 'logDataEvent' }));
  }

  async logSecurityEvent(input: SecurityEvent, options?: CallOptions) {
    return writeOne(
      this.#open,
      readSecurityEvent,
      input,
      this.#call({ ...options, what: 'logSecurityEvent' }),
    );
  }

  async query(filter?: AuditFilter, options?: QueryOptions) {
    return query(this.#open, filter, this.#call(options));
  }

  async get(id: string, options?: CallOptions) {
    return get(this.#open, id, this.#call(options));
  }

  async summary(options?: SummaryOptions) {
    return summary(this.#open, this.#call(options));
  }

  export(format: ExportFormat, options?: ExportOptions): Readable {
    return exportEvents(this.#open, format, this.#call(options));
  }

  follow(options?: FollowOptions): AsyncIterableIterator<AuditEvent> {
    return follow(this.#open, this.#call(options));
  }

  async purge(options: { olderThanDays: number } & CallOptions) {
    return purge(this.#open, this.#call(options));
  }

  async verify(options?: VerifyOptions) {
    return verify(this.#open, this.#call(options));
  }

  async prove(id: string, options?: CallOptions) {
    return prove(this.#open, id, this.#call(options));
  }

  addFilter(filter: EventFilterFunction): () => void {
    if (typeof filter !== 'function') throw badInput('filter', 'must be a function');
    // A new function each time, so that a filter can be added twice and removed once.
    const added: EventFilterFunction = (event) => filter(event);
    const { filters } = this.#open;
    filters.add(added);
    return () => void filters.delete(added);
  }

  addHandler(handler: AuditEventHandler): () => void {
    const named =
      typeof handler === 'function' ? { name: handler.name || 'handler', handle: handler } : handler;
    if (typeof named?.handle !== 'function')
      throw badInput('handler', 'must be a function, or { name, handle }');
    return this.#open.handlers.add(withAuditEvents(named));
  }

  close(): Promise<void> {
    this.#closed ??= this.#log.close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #open(): OpenLog {
    if (this.#closed) throw closedError();
    return this.#log;
  }

  #call<Options extends CallOptions>(options?: Options): Options & { principal: PrincipalInput } {
    return { ...(options as Options), principal: narrowed(this.#principal, options?.principal) };
  }
}

// A log that is bound to a customer stays bound to it, whatever principal a call names.
function narrowed(ofLog: PrincipalInput, ofCall: PrincipalInput | undefined): PrincipalInput {
  const { customerId } = ofLog;
  if (!ofCall || customerId === undefined) return ofCall ?? ofLog;
  if (ofCall.customerId !== undefined && ofCall.customerId !== customerId)
    throw badInput('principal.customerId', 'is not the customer of this log');
  return { ...ofCall, customerId };
}
