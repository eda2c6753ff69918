import type { Logger } from 'pino';
import { auditFailures, createMetaAudit, type MetaAudit } from '../audit/meta-audit.ts';
import { type Access, createAccess } from '../auth/access.ts';
import { KEYS_CHANNEL } from '../auth/api-keys.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { copyRowsOf, createReaders, guardedReaderOf } from '../auth/gate.ts';
import { tokenOptions } from '../auth/tokens.ts';
import { type Config, namingSetting } from '../config.ts';
import { breakConnections } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { conditionOf } from '../errors.ts';
import { createCatalog } from '../events/catalog.ts';
import type { EventInput } from '../events/validate.ts';
import { findRollback } from '../evidence/anchors.ts';
import { createEvidence } from '../evidence/evidence.ts';
import { alteredLogEvent, disputedLogEvent, type IntegrityError } from '../evidence/integrity-alarms.ts';
import { publishCheckpoints } from '../evidence/publish-checkpoints.ts';
import { createSigner, type Signer } from '../evidence/signer.ts';
import { createFeed, type Feed } from '../feed/feed.ts';
import { createListener, GROWTH_CHANNEL } from '../feed/notify-or-poll.ts';
import { createAppender } from '../log/append/appender.ts';
import { createFilters, type EventFilterFunction, loadExtensions } from '../log/append/extensions.ts';
import { createHandlers, type EventHandler, eventLogger, type Handlers } from '../log/append/handlers.ts';
import { startKeyExpiry } from '../log/append/idempotency.ts';
import { type Pipeline, recordSystemEvent } from '../log/append/record.ts';
import { createExports } from '../log/exports/export.ts';
import { createLogMaintenance } from '../log/maintenance.ts';
import { readPositions } from '../log/read/events.ts';
import { recordUpgrade } from '../log/retention/announce.ts';
import { createPurges, type Purges } from '../log/retention/purge.ts';
import { startRetention } from '../log/retention/schedule.ts';
import { ensureExportSecret, openRedaction } from '../log/service-secrets.ts';
import { RollupScopes } from '../log/summary/rollup-query.ts';
import type { Services } from '../schema/context.ts';
import { createHealth, type Health } from '../server/health.ts';
import { Closers } from '../shutdown.ts';
import { AuditEvent } from './audit-event.ts';
import type { OpenLogOptions } from './options.ts';
import { type Opening, openStorage, type Storage, startEmbedded } from './storage.ts';

/** An audit log that is open in this process. The library and the API use it. */
export interface OpenLog extends Omit<OpenPipeline, 'pipeline'> {
  config: Config;
  log: Logger;
  storage: Storage;
  services: Services;
  authenticate: Authenticate;
  health: Health;
  /** What is added is closed before every part of the log. */
  closers: Closers;
  /** Closes every part: see `AuditLog.close`. */
  close(): Promise<void>;
}

const STOP = { breakMs: 8_000, limitMs: 10_000 };

/**
 * Opens a log on the database that the options or the settings name, or on an embedded one under `DATA_DIR`. When it
 * fails, everything that was started is stopped before it throws.
 */
export async function openLog(chosen: OpenLogOptions): Promise<OpenLog> {
  const closers = new Closers();
  try {
    const { config, log } = chosen;
    const { databaseUrl = config.DATABASE_URL ?? (await startEmbedded(config, log, closers)) } = chosen;
    return await openParts({ ...chosen, databaseUrl, closers, onError: createOnError(log) });
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

/** Opens every part, in the order of their needs. They are closed in the reverse order. */
async function openParts(opening: Opening): Promise<OpenLog> {
  const { config, log, closers } = opening;
  const storage = await openStorage(opening);
  const readers = await openReaders(opening, storage);
  const { pipeline, ...open } = await openPipeline(opening, storage, readers);
  const signer = await openEvidence(opening, storage, pipeline);
  const audit = await openAuditAndRetention(opening, storage, { pipeline, signer });
  const services = await createServices(opening, storage, { ...readers, ...audit, pipeline, signer });
  await audit.metaAudit.started(storage.adminKey.change);
  const health = openHealth(opening, storage, services);
  const authenticate = auditFailures(readers.access.authenticate, audit.metaAudit);
  const close = () => closeWithin(closers, log, storage);
  return { ...open, config, log, storage, services, authenticate, health, closers, close };
}

async function createServices(
  { config }: Opening,
  { owner, pool, identity }: Storage,
  parts: LogReaders & AuditAndRetention & { pipeline: Pipeline; signer: Signer },
): Promise<Services> {
  const { access, feed, expiryNow, pipeline, signer, metaAudit, purges } = parts;
  return {
    pool,
    owner,
    readerOf: createReaders(pool),
    rollupScopes: new RollupScopes(),
    guardedReaderOf: (principal) => guardedReaderOf(pool, principal),
    catalog: createCatalog(config.EVENT_TYPES),
    pipeline,
    purges,
    feed,
    metaAudit,
    evidence: createEvidence(pool, identity, signer),
    expiryNow,
    sessions: access.sessions,
    isValid: access.isValid,
    rates: access.rates,
    failures: access.failures,
    subscriptions: access.subscriptions,
    onRevoked: access.onRevoked,
    openExport: createExports(pool, (grant) => copyRowsOf(pool, grant)),
    exportSecret: await ensureExportSecret(owner),
    baseUrl: () => '',
  };
}

function openHealth({ databaseUrl }: Opening, { addPool }: Storage, { pipeline, feed }: Services): Health {
  return createHealth({
    pool: addPool(databaseUrl, { max: 1, maxUses: 1, role: 'audit_log_service', silenceMs: 1_500 }),
    appender: pipeline.appender,
    feed,
  });
}

function createOnError(log: Logger): (error: Error) => void {
  // The message alone: the object that pg throws carries the whole connection.
  return (error) => {
    if (conditionOf(error) !== undefined)
      log.error({ cause: error.message }, 'the database connection had a problem');
    else log.error({ cause: error.message, stack: error.stack }, 'work in the background has failed');
  };
}

function closeWithin(closers: Closers, log: Logger, { pools }: Storage): Promise<void> {
  return closers.closeWithin({
    ...STOP,
    breakOff() {
      log.error('the service stops although the database has not answered: its connections are broken');
      for (const pool of pools) breakConnections(pool, 'the service stops');
    },
  });
}

/** The readers of the log, and what wakes them when the log has grown. */
interface LogReaders {
  access: Access;
  feed: Feed;
  /** The clock by which keys and tokens expire, in milliseconds since 1970. */
  expiryNow: () => number;
}

/** Opens keys and tokens, the feed, the maintenance of counters, and the one LISTEN connection that wakes all three. */
async function openReaders(opening: Opening, { pool, clock }: Storage): Promise<LogReaders> {
  const { config, databaseUrl, log, closers, onError } = opening;
  const expiryNow = opening.now ?? clock.now;
  const access = createAccess({
    pool,
    adminSecret: config.ADMIN_API_KEY,
    tokens: tokenOptions(config, log),
    ratePoints: config.RATE_LIMIT,
    failuresPerMinute: config.AUTH_FAILURES,
    subscriptions: subscriptionQuota(config),
    now: expiryNow,
    onError,
  });
  closers.add(access, (part) => part.close());
  const feed = await createFeed(pool, onError);
  const maintenance = closers.add(createLogMaintenance(pool, onError), (part) => part.close());
  const onGrowth = (hint?: string) => {
    feed.wake(hint);
    maintenance.wake();
  };
  const listener = createListener({
    connectionString: databaseUrl,
    hints: { [GROWTH_CHANNEL]: onGrowth, [KEYS_CHANNEL]: access.onChanged },
    onError,
  });
  closers.add(listener, (part) => part.close());
  return { access, feed, expiryNow };
}

function subscriptionQuota(config: Config) {
  return {
    total: { count: config.MAX_SUBSCRIPTIONS, bytes: config.MAX_SUBSCRIPTION_BYTES },
    perKey: { count: config.MAX_SUBSCRIPTIONS_PER_KEY, bytes: config.MAX_SUBSCRIPTION_BYTES_PER_KEY },
  };
}

/** The pipeline that records events, and its handlers and filters, which may change while the log is open. */
interface OpenPipeline {
  pipeline: Pipeline;
  handlers: Handlers;
  /** The filters of the pipeline. */
  filters: Set<EventFilterFunction>;
  /** When aborted, events that wait to be recorded are refused with the reason. */
  refused: AbortController;
}

/** Opens the pipeline: filters, redaction, appender and handlers. */
async function openPipeline(
  opening: Opening,
  { owner, pool }: Storage,
  { feed }: LogReaders,
): Promise<OpenPipeline> {
  const { config, log, closers, now = Date.now } = opening;
  const extensions = await namingSetting('PIPELINE_MODULE', 'correct the module or its path', () =>
    loadExtensions(config.PIPELINE_MODULE, opening),
  );
  const handlers = createHandlers(
    [...eventLogger(log, config.LOG_EVENTS), ...extensions.handlers.map((one) => withAuditEvents(one))],
    config.HANDLER_TIMEOUT_MS,
    (failure) => log.error({ ...failure, err: failure.cause, cause: undefined }, 'a handler failed'),
  );
  closers.add(handlers, (part) => part.close());
  const filters = new Set(extensions.filters);
  const refused = new AbortController();
  const pipeline: Pipeline = {
    filters: createFilters(filters, config.FILTER_TIMEOUT_MS),
    redaction: await openRedaction(owner, config, extensions.redact),
    appender: closers.add(createAppender(pool, feed), (part) => part.close()),
    readPositions: (positions) => readPositions(prismaOn(pool), positions),
    dispatch: handlers.dispatch,
    now,
    refused: refused.signal,
  };
  return { pipeline, handlers, filters, refused };
}

/** Wraps a handler so that it gets its events as instances of `AuditEvent`. */
export function withAuditEvents(handler: {
  name: string;
  handle(event: AuditEvent): void | Promise<void>;
}): EventHandler {
  return { name: handler.name, handle: (event) => handler.handle(AuditEvent.of(event)) };
}

/** Starts to sign checkpoints and to publish them to anchors and witnesses. A change of the log is recorded as an event. */
async function openEvidence(
  opening: Opening,
  { pool, identity }: Storage,
  pipeline: Pipeline,
): Promise<Signer> {
  const { config, log, closers, onError } = opening;
  const record = (input: EventInput) => void recordSystemEvent(pipeline, {}, input).catch(onError);
  const raiseAlarm = (error: IntegrityError) => {
    const { problem, position } = error;
    log.fatal({ problem, position }, `the log was altered: ${error.message}`);
    record(alteredLogEvent(error));
  };
  const rollback = await findRollback(pool, identity, config.ANCHOR_FILE);
  const signer = createSigner({
    pool,
    identity,
    problem: rollback,
    intervalMs: config.CHECKPOINT_INTERVAL_MS,
    heartbeatMs: config.CHECKPOINT_HEARTBEAT_MS,
    onAlarm: raiseAlarm,
    onError,
  });
  closers.add(signer, (part) => part.close());
  if (rollback) raiseAlarm(rollback);
  void signer.signNow();
  const publisher = publishCheckpoints({
    pool,
    identity,
    signer,
    log,
    anchors: {
      file: config.ANCHOR_FILE,
      webhook: config.ANCHOR_WEBHOOK,
      intervalMs: config.ANCHOR_INTERVAL_MS,
    },
    witnesses: config.WITNESSES,
    witnessIntervalMs: config.WITNESS_INTERVAL_MS,
    timeoutMs: config.OUTBOUND_TIMEOUT_MS,
    onDispute: (witness, error) => record(disputedLogEvent(witness, error)),
  });
  closers.add(publisher, (part) => part.close());
  return signer;
}

/** The audit of the log itself, and the purges. */
interface AuditAndRetention {
  metaAudit: MetaAudit;
  purges: Purges;
}

/** Opens the audit of the log itself, starts the retention policy, and the expiry of idempotency keys. */
async function openAuditAndRetention(
  opening: Opening,
  { owner }: Storage,
  { pipeline, signer }: { pipeline: Pipeline; signer: Signer },
): Promise<AuditAndRetention> {
  const { config, log, closers, onError } = opening;
  const metaAudit = createMetaAudit({ owner, pipeline, settings: config, sign: signer.signNow, onError });
  closers.add(metaAudit, (part) => part.close());
  await recordUpgrade({ pool: owner, pipeline });
  const purges = createPurges({
    pool: owner,
    pipeline,
    maxPercent: config.RETENTION_MAX_PERCENT,
    databaseNow: opening.databaseNow,
    onError,
  });
  closers.add(purges, (part) => part.close());
  if (config.RETENTION_DAYS !== undefined) {
    const retention = startRetention({
      purges,
      days: config.RETENTION_DAYS,
      sign: signer.signNow,
      onRefusal: (error) => log.error({ cause: error.message }, 'retention removed nothing'),
      onError,
    });
    closers.add(retention, (part) => part.close());
  }
  if (config.IDEMPOTENCY_DAYS !== undefined)
    closers.add(startKeyExpiry({ owner, days: config.IDEMPOTENCY_DAYS, onError }), (part) => part.close());
  return { metaAudit, purges };
}
