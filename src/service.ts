import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { destination, type Logger, pino } from 'pino';
import { createAccess } from './access/access.ts';
import { ensureAdminKey } from './access/admin-key.ts';
import { KEYS_CHANNEL } from './access/keys.ts';
import { guardedReaderOf, readerOf } from './access/reader.ts';
import type { Config } from './config.ts';
import { migrate } from './db/migrate.ts';
import { createPool, type Pool } from './db/pool.ts';
import { createCatalog } from './events/catalog.ts';
import type { EventInput } from './events/input.ts';
import { createRedact } from './events/redact.ts';
import { createExports } from './exports/export.ts';
import { createFeed } from './feed/feed.ts';
import { createListener, GROWTH_CHANNEL } from './feed/listener.ts';
import type { Services } from './graphql/context.ts';
import { createDocuments, loadDocuments } from './graphql/persisted.ts';
import { createSchema } from './graphql/schema.ts';
import { createEventStreams } from './http/event-streams.ts';
import { createHostCheck } from './http/hosts.ts';
import { createOrigins } from './http/origins.ts';
import { type HttpServer, listen } from './http/server.ts';
import { createGraphqlServer } from './http/yoga.ts';
import { alarmOf, disputeOf } from './integrity/alarm.ts';
import { createAnchors } from './integrity/anchors/anchors.ts';
import { findRollback } from './integrity/anchors/check-anchor.ts';
import { createEvidence } from './integrity/evidence.ts';
import { type LogIdentity, openIdentity } from './integrity/identity.ts';
import type { IntegrityError } from './integrity/integrity-error.ts';
import { createSigner, type Signer } from './integrity/signer.ts';
import { createWitnessing } from './integrity/witnesses/witnessing.ts';
import { createAppender } from './log/append.ts';
import { createHead } from './log/head.ts';
import { readPositions } from './log/read.ts';
import { eventLogger } from './pipeline/event-log.ts';
import { type Extensions, loadExtensions } from './pipeline/extensions.ts';
import { createHandlers } from './pipeline/handlers.ts';
import { recordOwnEvent } from './pipeline/own.ts';
import { startRetention } from './retention/timer.ts';

/** The audit service: built by `createAuditService`, started and stopped once. */
export interface AuditService {
  /** Where it listens. */
  url: string;
  /** The admin's API key, when this start made it: it is shown nowhere else. */
  adminKey: string | undefined;
  /** How many live subscriptions are being read here. */
  countSubscribers(): number;
  /** Finishes what was accepted, cuts subscriptions, closes connections; at most some five seconds. */
  stop(): Promise<void>;
}

/** What `createAuditService` needs beside the settings. */
export interface AuditServiceOptions extends Extensions {
  config: Config;
  /** A PostgreSQL 14 or newer, with an empty database or one of this service. */
  databaseUrl: string;
  log?: Logger;
  /** Milliseconds since 1970; the system's clock by default. */
  now?: () => number;
}

/** Builds every part on the database and starts to serve. Throws when the database or the port cannot be used. */
export async function createAuditService(options: AuditServiceOptions): Promise<AuditService> {
  const { config, databaseUrl } = options;
  const log = options.log ?? pino({ level: config.LOG_LEVEL }, destination({ sync: false }));
  // The error's own text alone: the object that pg throws carries the whole connection.
  const onError = (error: Error) =>
    log.error({ cause: error.message }, 'the database connection had a problem');
  const owner = createPool(config.DATABASE_ADMIN_URL ?? databaseUrl, onError, { max: 4 });
  await migrate(owner);
  await createHead(owner, config.SEGMENT_BITS);
  const identity = await openIdentity(owner, {
    origin: config.ORIGIN,
    keyFile: config.SIGNING_KEY_FILE ?? join(config.DATA_DIR, 'signing-key.pem'),
  });
  const adminKey = await ensureAdminKey(owner, config.ADMIN_API_KEY);
  const pool = createPool(databaseUrl, onError, { role: 'audit_log_service' });

  const extensions = await withModule(options, config);
  const catalog = createCatalog(config.EVENT_TYPES);
  const feed = await createFeed(pool, onError);
  const access = createAccess({
    pool,
    adminSecret: config.ADMIN_API_KEY,
    ratePoints: config.RATE_LIMIT,
    failuresPerMinute: config.AUTH_FAILURES,
    subscriptions: { total: config.MAX_SUBSCRIPTIONS, perKey: config.MAX_SUBSCRIPTIONS_PER_KEY },
    onError,
  });
  const listener = createListener({
    connectionString: databaseUrl,
    hints: { [GROWTH_CHANNEL]: feed.wake, [KEYS_CHANNEL]: access.onChanged },
    onError,
  });
  const appender = createAppender(pool);
  const rollback = await findRollback(pool, identity, config.ANCHOR_FILE);
  const signer = createSigner({
    pool,
    identity,
    problem: rollback,
    intervalMs: config.CHECKPOINT_INTERVAL_MS,
    heartbeatMs: config.CHECKPOINT_HEARTBEAT_MS,
    onAlarm: (problem) => void raiseAlarm(problem),
    onError,
  });
  const handlers = createHandlers(
    [...eventLogger(log, config.LOG_EVENTS), ...(extensions.handlers ?? [])],
    config.HANDLER_TIMEOUT_MS,
    (failure) => log.error({ ...failure, err: failure.cause, cause: undefined }, 'a handler failed'),
  );
  let http: HttpServer | undefined;
  const services: Services = {
    pool,
    owner,
    readerOf: (viewer) => readerOf(pool, viewer),
    guardedReaderOf: (viewer) => guardedReaderOf(pool, viewer),
    catalog,
    feed,
    evidence: createEvidence(pool, identity, signer),
    sessions: access.sessions,
    rates: access.rates,
    subscriptions: access.subscriptions,
    onRevoked: access.onRevoked,
    openExport: createExports(pool, (grant) => readerOf(pool, grant)),
    exportSecret: await ensureSecret(owner, 'export'),
    baseUrl: () => http?.url ?? '',
    pipeline: {
      filters: extensions.filters ?? [],
      redact: createRedact([...config.REDACT_NAMES, ...(extensions.redact ?? [])]),
      appender,
      readPositions: (positions) => readPositions(pool, positions),
      dispatch: handlers.dispatch,
      now: options.now ?? Date.now,
    },
  };
  const { authenticate } = access;
  const schema = createSchema(catalog);
  const persisted = config.PERSISTED_DOCUMENTS && (await loadDocuments(config.PERSISTED_DOCUMENTS, schema));
  const documents = createDocuments(persisted || new Map(), config.PERSISTED_ONLY);
  const eventStreams = createEventStreams(config.KEEP_ALIVE_MS, log);
  const yoga = createGraphqlServer({
    schema,
    services,
    authenticate,
    eventStreams,
    log,
    maxBodyBytes: config.MAX_BODY_BYTES,
    documents,
    limits: { maxCost: config.MAX_QUERY_COST, hasIntrospection: config.INTROSPECTION },
  });
  const isReady = async () => (await pool.query('SELECT 1')).rowCount === 1;
  http = await listen({
    host: config.HOST,
    port: config.PORT,
    yoga,
    services,
    authenticate,
    eventStreams,
    documents,
    keepAliveMs: config.KEEP_ALIVE_MS,
    publicEvidence: config.PUBLIC_EVIDENCE,
    isHost: createHostCheck(config.HOST, config.ALLOWED_HOSTS),
    origins: createOrigins(config.CORS_ORIGINS),
    maxRequests: config.MAX_REQUESTS,
    maxConnections: config.MAX_CONNECTIONS,
    headersTimeoutMs: config.HEADERS_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    hasGraphiql: config.GRAPHIQL,
    isReady,
    log,
  });

  async function raiseAlarm(problem: IntegrityError): Promise<void> {
    log.fatal(
      { problem: problem.problem, position: problem.position },
      `the log was altered: ${problem.message}`,
    );
    await record(alarmOf(problem));
  }
  async function record(input: EventInput): Promise<void> {
    await recordOwnEvent(services.pipeline, {}, input).catch(onError);
  }
  if (!identity.signers) log.warn('this instance has no signing key: it serves checkpoints that others sign');
  if (rollback) void raiseAlarm(rollback);
  void signer.signNow();
  const outside = keepOutside({
    config,
    pool,
    identity,
    signer,
    log,
    onDispute: (witness, error) => void record(disputeOf(witness, error)),
  });
  const { RETENTION_DAYS: days } = config;
  const { pipeline } = services;
  const sign = signer.signNow;
  const retention =
    days === undefined ? undefined : startRetention({ pool: owner, pipeline, days, sign, onError });

  const stop = async () => {
    // Clients are told first that they are cut: then the end of their subscription reaches nobody as a completion.
    const closed = http?.close();
    const retained = retention?.close();
    feed.close();
    await closed;
    await retained;
    await outside.close();
    await signer.close();
    await appender.close();
    await handlers.close();
    await listener.close();
    await access.close();
    await Promise.all([pool.end(), owner.end()]);
  };
  let stopping: Promise<void> | undefined;
  return {
    url: http.url,
    adminKey,
    countSubscribers: () => feed.subscribers,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Takes evidence to where nobody who can write to the database reaches it: to witnesses, a file, a webhook. */
function keepOutside(parts: {
  config: Config;
  pool: Pool;
  identity: LogIdentity;
  signer: Signer;
  log: Logger;
  onDispute: (witness: string, error: Error) => void;
}): { close(): Promise<void> } {
  const { config, pool, identity, signer, log } = parts;
  const timeoutMs = config.OUTBOUND_TIMEOUT_MS;
  const anchors = createAnchors({
    pool,
    identity,
    file: config.ANCHOR_FILE,
    webhook: config.ANCHOR_WEBHOOK,
    intervalMs: config.ANCHOR_INTERVAL_MS,
    timeoutMs,
    signNow: signer.signNow,
    onAlarm: signer.halt,
    onError: (error) => log.error({ cause: error.message }, 'a checkpoint could not be anchored'),
  });
  const witnessing = createWitnessing({
    pool,
    verifierKey: identity.verifierKey,
    witnesses: config.WITNESSES,
    intervalMs: config.WITNESS_INTERVAL_MS,
    timeoutMs,
    onDispute(witness, error) {
      log.fatal({ witness }, `a witness knows another log than this one: ${error.message}`);
      parts.onDispute(witness, error);
    },
    onError: (witness, error) => log.warn({ witness, cause: error.message }, 'a witness did not cosign'),
  });
  return {
    async close() {
      await Promise.all([anchors.close(), witnessing.close()]);
    },
  };
}

async function withModule(options: Extensions, config: Config): Promise<Extensions> {
  const module = await loadExtensions(config.PIPELINE_MODULE);
  return {
    filters: [...(module.filters ?? []), ...(options.filters ?? [])],
    handlers: [...(module.handlers ?? []), ...(options.handlers ?? [])],
    redact: [...(module.redact ?? []), ...(options.redact ?? [])],
  };
}

async function ensureSecret(pool: Pool, name: string): Promise<Buffer> {
  await pool.query('INSERT INTO service_secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    name,
    randomBytes(32),
  ]);
  const { rows } = await pool.query<{ value: Buffer }>('SELECT value FROM service_secrets WHERE name = $1', [
    name,
  ]);
  return rows[0]?.value as Buffer;
}
