import { join } from 'node:path';
import type { Logger } from 'pino';
import { createAccess } from './access/access.ts';
import { ensureAdminKey } from './access/admin-key.ts';
import type { Authenticate } from './access/authenticate.ts';
import { KEYS_CHANNEL } from './access/keys.ts';
import { copyRowsOf, createReaders, guardedReaderOf } from './access/reader.ts';
import { tokenOptions } from './access/tokens/settings.ts';
import { Closers } from './closers.ts';
import { type Config, readConfig } from './config.ts';
import { startClock } from './db/clock.ts';
import { keepEmbedded } from './db/embedded/keep.ts';
import { migrate } from './db/migrate.ts';
import { breakConnections, createPool, IDLE_IN_TRANSACTION_MS, type Pool } from './db/pool.ts';
import { allowEndingHolders, createQuietCheck } from './db/quiet.ts';
import { checkMemberships, findSchemaMakers } from './db/roles.ts';
import { type AuditError, conditionOf } from './errors.ts';
import { createCatalog } from './events/catalog.ts';
import type { EventInput } from './events/input.ts';
import { createExports } from './exports/export.ts';
import { ensureExportSecret } from './exports/secret.ts';
import { createFeed } from './feed/feed.ts';
import { createListener, GROWTH_CHANNEL } from './feed/listener.ts';
import type { Services } from './graphql/context.ts';
import { createSchema } from './graphql/schema.ts';
import { createHealth, type Health } from './health.ts';
import { alarmOf, disputeOf } from './integrity/alarm.ts';
import { findRollback } from './integrity/anchors/check-anchor.ts';
import { createEvidence } from './integrity/evidence.ts';
import { openIdentity } from './integrity/identity.ts';
import type { IntegrityError } from './integrity/integrity-error.ts';
import { keepOutside } from './integrity/outside.ts';
import { createSigner } from './integrity/signer.ts';
import { createAppender } from './log/append.ts';
import { startKeyPolicy } from './log/end-keys.ts';
import { createHead } from './log/head.ts';
import { readPositions } from './log/read.ts';
import { findFormerEnd } from './log/search.ts';
import { createUpkeep } from './log/upkeep.ts';
import { createMetaAudit } from './meta-audit/meta-audit.ts';
import { noticeFailures } from './meta-audit/notice-failures.ts';
import { openOperatorLog } from './operator-log.ts';
import { eventLogger } from './pipeline/event-log.ts';
import { type Extensions, loadExtensions } from './pipeline/extensions.ts';
import { createFilters } from './pipeline/filters.ts';
import { createHandlers } from './pipeline/handlers.ts';
import { recordOwnEvent } from './pipeline/own.ts';
import type { Pipeline } from './pipeline/record.ts';
import { openRedaction } from './pipeline/redaction.ts';
import { createPurges } from './retention/purges.ts';
import { startRetention } from './retention/timer.ts';
import { recordUpgrade } from './retention/upgrade.ts';
import { createPeerOf } from './server/client-address.ts';
import { createHostCheck } from './server/hosts.ts';
import { createOrigins } from './server/origins.ts';
import { createPersistedDocuments, loadPersistedDocuments } from './server/persisted-documents.ts';
import { type HttpServer, listen } from './server/server.ts';
import { listenAdvice, namingSetting, ownerSetting } from './start-errors.ts';

/** The audit service: built by `createAuditService`, started and stopped once. */
export interface AuditService {
  /** Where it listens. */
  url: string;
  /** The admin's API key, when this start made it: it is shown nowhere else. */
  adminKey: string | undefined;
  /** How many live subscriptions are being read here. */
  countSubscribers(): number;
  /**
   * Is not ready and goes on to serve for `STOP_DELAY_MS`. Then finishes what was accepted, cuts subscriptions, closes
   * connections. When the database does not answer, its connections are broken after eight seconds, and this resolves
   * after ten, whatever is left.
   */
  stop(): Promise<void>;
}

/** What a program that embeds the service may choose. */
export interface AuditServiceOptions extends Extensions {
  /** Default: what the environment says. */
  config?: Config;
  /**
   * A PostgreSQL 14 or newer, with an empty database or one of this service. Default: `DATABASE_URL` of the settings, else
   * an embedded one under `DATA_DIR`, which starts and stops with the service.
   */
  databaseUrl?: string;
  /** Default: one line of JSON each on standard output, from `LOG_LEVEL` on. */
  log?: Logger;
  /**
   * Called with the admin's API key as soon as this start has stored one that it made. A start that fails afterwards gives
   * the secret here alone, and no later start gives it again.
   */
  onAdminKey?: (secret: string) => void;
  /** Milliseconds since 1970; the system's clock by default. */
  now?: () => number;
  /** The time by which the age of events is measured, likewise; the database's clock by default. */
  databaseNow?: () => Promise<number>;
}

const DATABASE_ADVICE =
  'check that the database runs, and that this names its address, user, password and database';
const STOP = { breakMs: 8_000, limitMs: 10_000 };

/** Builds every part on the database and starts to serve. Throws when the database or the port cannot be used. */
export async function createAuditService(options: AuditServiceOptions = {}): Promise<AuditService> {
  const closers = new Closers();
  try {
    const { config = readConfig() } = options;
    const { log = openOperatorLog(config.LOG_LEVEL) } = options;
    const { databaseUrl = config.DATABASE_URL ?? (await startDatabase(config, log, closers)) } = options;
    return await build({ ...options, config, log, databaseUrl }, closers);
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function startDatabase({ DATA_DIR }: Config, log: Logger, closers: Closers): Promise<string> {
  const server = await keepEmbedded({ dataDir: DATA_DIR, log });
  return closers.add(server, ({ stop }) => stop()).connectionString;
}

type Chosen = AuditServiceOptions & Required<Pick<AuditServiceOptions, 'config' | 'databaseUrl' | 'log'>>;

// The parts are closed in the reverse order: what others stand on comes first.
async function build(options: Chosen, closers: Closers): Promise<AuditService> {
  const { config, databaseUrl, log, now = Date.now } = options;
  // Not the error itself: the object that pg throws carries the whole connection.
  const onError = (error: Error) => {
    if (conditionOf(error) !== undefined)
      log.error({ cause: error.message }, 'the database connection had a problem');
    else log.error({ cause: error.message, stack: error.stack }, 'work in the background has failed');
  };
  const ownerUrl = config.DATABASE_ADMIN_URL ?? databaseUrl;
  const pools: Pool[] = [];
  const addPool = (url: string, poolOptions: Parameters<typeof createPool>[2]) => {
    const made = closers.add(createPool(url, onError, poolOptions), (pool) => pool.end());
    pools.push(made);
    return made;
  };
  const onEnded = (count: number) =>
    log.warn({ count }, 'connections of an instance were ended that said nothing and blocked the others');
  const owner = addPool(ownerUrl, {
    max: 4,
    idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
    onQuiet: createQuietCheck({ connectionString: ownerUrl, onEnded, onError }),
  });
  await namingSetting(ownerSetting(config), DATABASE_ADVICE, () => owner.query('SELECT 1'));
  await migrate(owner);
  await namingSetting('DATABASE_URL', DATABASE_ADVICE, () => checkMemberships(databaseUrl));
  const makers = await findSchemaMakers(owner);
  if (makers.length > 0)
    log.warn(
      { makers },
      "others than the owner may make functions in the log's schema: REVOKE CREATE ON SCHEMA from them",
    );
  await createHead(owner, config.SEGMENT_BITS);
  const formerEnd = await findFormerEnd(owner);
  if (formerEnd > 0)
    log.info(
      { before: formerEnd },
      'events before this position are searched as they were indexed: by whole words in any order, without the texts that were added since',
    );
  const identity = await openIdentity(owner, {
    origin: config.ORIGIN,
    keyFile: config.SIGNING_KEY_FILE ?? join(config.DATA_DIR, 'signing-key.pem'),
  });
  if (!identity.signers) log.warn('this instance has no signing key: it serves checkpoints that others sign');
  const { secret: adminKey, change: adminKeyChange } = await ensureAdminKey(owner, config.ADMIN_API_KEY);
  if (adminKey !== undefined) options.onAdminKey?.(adminKey);
  const pool = addPool(databaseUrl, {
    role: 'audit_log_service',
    onQuiet: createQuietCheck({ connectionString: databaseUrl, onEnded, onError }),
  });
  const grant = await allowEndingHolders(pool, owner);
  if (grant !== undefined)
    log.warn({ grant }, 'an instance that vanishes may block the others: an administrator has to grant this');
  const clock = closers.add(await startClock(pool, { readTime: options.databaseNow, onError }), (part) =>
    part.close(),
  );
  const expiryNow = options.now ?? clock.now;
  const access = closers.add(
    createAccess({
      pool,
      adminSecret: config.ADMIN_API_KEY,
      tokens: tokenOptions(config, log),
      ratePoints: config.RATE_LIMIT,
      failuresPerMinute: config.AUTH_FAILURES,
      subscriptions: {
        total: { count: config.MAX_SUBSCRIPTIONS, bytes: config.MAX_SUBSCRIPTION_BYTES },
        perKey: { count: config.MAX_SUBSCRIPTIONS_PER_KEY, bytes: config.MAX_SUBSCRIPTION_BYTES_PER_KEY },
      },
      now: expiryNow,
      onError,
    }),
    (part) => part.close(),
  );
  const feed = await createFeed(pool, onError);
  const upkeep = closers.add(createUpkeep(pool, onError), (part) => part.close());
  const onGrowth = (hint?: string) => {
    feed.wake(hint);
    upkeep.wake();
  };
  closers.add(
    createListener({
      connectionString: databaseUrl,
      hints: { [GROWTH_CHANNEL]: onGrowth, [KEYS_CHANNEL]: access.onChanged },
      onError,
    }),
    (part) => part.close(),
  );

  const extensions = await namingSetting('PIPELINE_MODULE', 'correct the module or its path', () =>
    loadExtensions(config.PIPELINE_MODULE, options),
  );
  const handlers = closers.add(
    createHandlers(
      [...eventLogger(log, config.LOG_EVENTS), ...extensions.handlers],
      config.HANDLER_TIMEOUT_MS,
      (failure) => log.error({ ...failure, err: failure.cause, cause: undefined }, 'a handler failed'),
    ),
    (part) => part.close(),
  );
  const refused = new AbortController();
  const pipeline: Pipeline = {
    filters: createFilters(extensions.filters, config.FILTER_TIMEOUT_MS),
    redaction: await openRedaction(owner, config, extensions.redact),
    appender: closers.add(createAppender(pool, feed.take), (part) => part.close()),
    readPositions: (positions) => readPositions(pool, positions),
    dispatch: handlers.dispatch,
    now,
    refused: refused.signal,
  };
  const record = (input: EventInput) => void recordOwnEvent(pipeline, {}, input).catch(onError);

  const raiseAlarm = (error: IntegrityError) => {
    const { problem, position } = error;
    log.fatal({ problem, position }, `the log was altered: ${error.message}`);
    record(alarmOf(error));
  };
  const rollback = await findRollback(pool, identity, config.ANCHOR_FILE);
  const signer = closers.add(
    createSigner({
      pool,
      identity,
      problem: rollback,
      intervalMs: config.CHECKPOINT_INTERVAL_MS,
      heartbeatMs: config.CHECKPOINT_HEARTBEAT_MS,
      onAlarm: raiseAlarm,
      onError,
    }),
    (part) => part.close(),
  );
  if (rollback) raiseAlarm(rollback);
  void signer.signNow();
  closers.add(
    keepOutside({
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
      onDispute: (witness, error) => record(disputeOf(witness, error)),
    }),
    (part) => part.close(),
  );
  const metaAudit = closers.add(
    createMetaAudit({ owner, pipeline, settings: config, sign: signer.signNow, onError }),
    (part) => part.close(),
  );
  await recordUpgrade({ pool: owner, pipeline });
  const purges = closers.add(
    createPurges({
      pool: owner,
      pipeline,
      maxPercent: config.RETENTION_MAX_PERCENT,
      databaseNow: options.databaseNow,
      onError,
    }),
    (part) => part.close(),
  );
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
    closers.add(startKeyPolicy({ owner, days: config.IDEMPOTENCY_DAYS, onError }), (part) => part.close());

  let http: HttpServer | undefined;
  const services: Services = {
    pool,
    owner,
    readerOf: createReaders(pool),
    guardedReaderOf: (viewer) => guardedReaderOf(pool, viewer),
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
    baseUrl: () => http?.url ?? '',
  };
  const authenticate = noticeFailures(access.authenticate, metaAudit);
  await metaAudit.started(adminKeyChange);
  const health = createHealth({
    pool: addPool(databaseUrl, { max: 1, maxUses: 1, role: 'audit_log_service', silenceMs: 1_500 }),
    appender: pipeline.appender,
    feed,
  });
  const onRefused = (error: AuditError) => refused.abort(error);
  http = await serveHttp({ config, services, authenticate, health, onRefused, log });
  closers.add(http, (server) => {
    // Clients are told first that they are cut: then the end of their subscription reaches nobody as a completion.
    const closed = server.close();
    feed.close();
    return closed;
  });
  return {
    url: http.url,
    adminKey,
    countSubscribers: () => access.subscriptions.count,
    async stop() {
      await http.leave();
      await closers.closeWithin({
        ...STOP,
        breakOff() {
          log.error('the service stops although the database has not answered: its connections are broken');
          for (const one of pools) breakConnections(one, 'the service stops');
        },
      });
    },
  };
}

async function serveHttp(parts: {
  config: Config;
  services: Services;
  authenticate: Authenticate;
  health: Health;
  onRefused: (error: AuditError) => void;
  log: Logger;
}): Promise<HttpServer> {
  const { config, services, authenticate, health, onRefused, log } = parts;
  const schema = createSchema(services.catalog);
  const persisted =
    config.PERSISTED_DOCUMENTS && (await loadPersistedDocuments(config.PERSISTED_DOCUMENTS, schema));
  if (config.PERSISTED_ONLY && !persisted)
    log.warn(
      'PERSISTED_ONLY is true and PERSISTED_DOCUMENTS is not set: every GraphQL operation is refused; set it to a file of ' +
        'documents, or PERSISTED_ONLY to false',
    );
  const options = {
    host: config.HOST,
    port: config.PORT,
    schema,
    services,
    authenticate,
    peerOf: createPeerOf(config.TRUSTED_PROXIES),
    documents: createPersistedDocuments(persisted || new Map(), config.PERSISTED_ONLY),
    maxCost: config.MAX_QUERY_COST,
    hasIntrospection: config.INTROSPECTION,
    maxBodyBytes: config.MAX_BODY_BYTES,
    keepAliveMs: config.KEEP_ALIVE_MS,
    stopIdleMs: config.STOP_IDLE_MS,
    stopDelayMs: config.STOP_DELAY_MS,
    publicEvidence: config.PUBLIC_EVIDENCE,
    isHost: createHostCheck(config.HOST, config.ALLOWED_HOSTS),
    origins: createOrigins(config.CORS_ORIGINS),
    maxRequests: config.MAX_REQUESTS,
    maxUnsentBytes: config.MAX_UNSENT_BYTES,
    maxConnections: config.MAX_CONNECTIONS,
    headersTimeoutMs: config.HEADERS_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    hasGraphiql: config.GRAPHIQL,
    onRefused,
    problems: health.problems,
    log,
  };
  const address = `HOST and PORT (${config.HOST}, ${config.PORT})`;
  return namingSetting(address, listenAdvice, () => listen(options));
}
