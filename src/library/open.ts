import type { Authenticate } from '../access/authenticate.ts';
import { copyRowsOf, createReaders, guardedReaderOf } from '../access/reader.ts';
import type { Closers } from '../closers.ts';
import type { Config } from '../config.ts';
import { breakConnections } from '../db/pool.ts';
import { conditionOf } from '../errors.ts';
import { createCatalog } from '../events/catalog.ts';
import { createExports } from '../exports/export.ts';
import type { Services } from '../graphql/context.ts';
import { createHealth, type Health } from '../health.ts';
import { createEvidence } from '../integrity/evidence.ts';
import { noticeFailures } from '../meta-audit/notice-failures.ts';
import { ensureExportSecret } from '../pipeline/redaction.ts';
import { openEvidence } from './evidence.ts';
import { openMaintenance } from './maintenance.ts';
import type { Chosen } from './options.ts';
import { type OpenPipeline, openPipeline } from './pipeline.ts';
import { openReaders } from './readers.ts';
import { type Opening, openStorage, type Storage } from './storage.ts';

/** An audit log that is open in this process: what the library and the API stand on. */
export interface OpenLog extends Omit<OpenPipeline, 'pipeline'> {
  config: Config;
  log: Chosen['log'];
  storage: Storage;
  services: Services;
  authenticate: Authenticate;
  health: Health;
  closers: Closers;
  /** Closes every part: see `AuditLog.close`. */
  close(): Promise<void>;
}

const STOP = { breakMs: 8_000, limitMs: 10_000 };

/** Builds every part on the database, in order. `closers` closes them in the reverse order, also after a failure. */
export async function openLog(chosen: Chosen, closers: Closers): Promise<OpenLog> {
  const { config, databaseUrl, log } = chosen;
  const opening: Opening = { ...chosen, closers, onError: createOnError(chosen) };
  const storage = await openStorage(opening);
  const readers = await openReaders(opening, storage);
  const { pipeline, ...open } = await openPipeline(opening, storage, readers);
  const signer = await openEvidence(opening, storage, pipeline);
  const { metaAudit, purges } = await openMaintenance(opening, storage, { pipeline, signer });
  const { owner, pool, identity, addPool } = storage;
  const { access, feed, expiryNow } = readers;
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
    baseUrl: () => '',
  };
  await metaAudit.started(storage.adminKey.change);
  const health = createHealth({
    pool: addPool(databaseUrl, { max: 1, maxUses: 1, role: 'audit_log_service', silenceMs: 1_500 }),
    appender: pipeline.appender,
    feed,
  });
  const authenticate = noticeFailures(access.authenticate, metaAudit);
  const close = () => closeWithin(closers, log, storage);
  return { ...open, config, log, storage, services, authenticate, health, closers, close };
}

function createOnError({ log }: Chosen): (error: Error) => void {
  // Not the error itself: the object that pg throws carries the whole connection.
  return (error) => {
    if (conditionOf(error) !== undefined)
      log.error({ cause: error.message }, 'the database connection had a problem');
    else log.error({ cause: error.message, stack: error.stack }, 'work in the background has failed');
  };
}

function closeWithin(closers: Closers, log: Chosen['log'], { pools }: Storage): Promise<void> {
  return closers.closeWithin({
    ...STOP,
    breakOff() {
      log.error('the service stops although the database has not answered: its connections are broken');
      for (const one of pools) breakConnections(one, 'the service stops');
    },
  });
}
