import { join } from 'node:path';
import type { Logger } from 'pino';
import { type AdminKey, ensureAdminKey } from '../auth/manage-keys.ts';
import { type Config, namingSetting, ownerSetting } from '../config.ts';
import { type DatabaseClock, startClock } from '../db/clock.ts';
import { superviseEmbedded } from '../db/embedded/supervisor.ts';
import { migrate } from '../db/migrate.ts';
import { createPool, IDLE_IN_TRANSACTION_MS, type Pool, type PoolOptions } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { checkMemberships, findSchemaMakers } from '../db/roles.ts';
import { allowEndingSilentHolders, createSilenceCheck } from '../db/silent-connections.ts';
import { type LogIdentity, openIdentity } from '../evidence/signing-identity.ts';
import { createHead } from '../log/head.ts';
import { findFormerWordsEnd } from '../log/read/search.ts';
import type { Closers } from '../shutdown.ts';
import type { OpenLogOptions } from './options.ts';

/** The database of a log, with its tables migrated to this version. */
export interface Storage {
  /** Connects as the owner of the tables: for migrations, keys and retention. */
  owner: Pool;
  /** Connects in the service's role, which may read and append only. */
  pool: Pool;
  /** The URL that the owner connects to. */
  ownerUrl: string;
  /** Every pool that was created: a stop that takes too long breaks their connections. */
  pools: readonly Pool[];
  addPool: (url: string, options: PoolOptions) => Pool;
  identity: LogIdentity;
  clock: DatabaseClock;
  adminKey: AdminKey;
}

/** What every part of a log gets when the log is opened. */
export interface Opening extends OpenLogOptions {
  databaseUrl: string;
  closers: Closers;
  onError: (error: Error) => void;
}

const DATABASE_ADVICE =
  'check that the database runs, and that this names its address, user, password and database';
const NO_KEY: AdminKey = { secret: undefined, change: undefined };

/** Starts the embedded PostgreSQL under `DATA_DIR`, which `closers` stop, and returns its URL. */
export async function startEmbedded({ DATA_DIR }: Config, log: Logger, closers: Closers): Promise<string> {
  const server = await superviseEmbedded({ dataDir: DATA_DIR, log });
  return closers.add(server, ({ stop }) => stop()).connectionString;
}

/**
 * Connects, migrates, and creates the head row, the signing identity and the admin's key where they are missing. An error
 * names the setting at fault.
 */
export async function openStorage(opening: Opening): Promise<Storage> {
  const { config, databaseUrl, log, closers, onError } = opening;
  const ownerUrl = config.DATABASE_ADMIN_URL ?? databaseUrl;
  const pools: Pool[] = [];
  const addPool = (url: string, options: PoolOptions) => {
    const made = closers.add(createPool(url, onError, options), (pool) => pool.end());
    pools.push(made);
    return made;
  };
  const onEnded = (count: number) =>
    log.warn({ count }, 'silent connections of another instance blocked this one and were terminated');
  const owner = addPool(ownerUrl, {
    max: 4,
    idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
    onQuiet: createSilenceCheck({ connectionString: ownerUrl, onEnded, onError }),
  });
  await prepareTables(owner, opening);
  const identity = await openIdentity(owner, {
    origin: config.ORIGIN,
    keyFile: config.SIGNING_KEY_FILE ?? join(config.DATA_DIR, 'signing-key.pem'),
  });
  if (!identity.signers)
    log.warn('this instance has no signing key: it serves checkpoints that other instances sign');
  const adminKey = opening.hasAdminKey ? await ensureAdminKey(owner, config.ADMIN_API_KEY) : NO_KEY;
  if (adminKey.secret !== undefined) opening.onAdminKey?.(adminKey.secret);
  const pool = addPool(databaseUrl, {
    role: 'audit_log_service',
    onQuiet: createSilenceCheck({ connectionString: databaseUrl, onEnded, onError }),
  });
  const grant = await allowEndingSilentHolders(pool, owner);
  if (grant !== undefined)
    log.warn(
      { grant },
      'an instance that vanishes may block the others: let an administrator run this GRANT',
    );
  const clock = await startClock(pool, { readTime: opening.databaseNow, onError });
  closers.add(clock, (part) => part.close());
  return { owner, pool, ownerUrl, pools, addPool, identity, clock, adminKey };
}

async function prepareTables(owner: Pool, { config, databaseUrl, log }: Opening): Promise<void> {
  await namingSetting(ownerSetting(config), DATABASE_ADVICE, () => owner.query('SELECT 1'));
  await migrate(owner);
  await namingSetting('DATABASE_URL', DATABASE_ADVICE, () => checkMemberships(databaseUrl));
  const makers = await findSchemaMakers(owner);
  if (makers.length > 0)
    log.warn(
      { makers },
      "roles other than the owner may create functions in the log's schema: REVOKE CREATE ON SCHEMA from them",
    );
  await createHead(owner, config.SEGMENT_BITS);
  const formerEnd = await findFormerWordsEnd(prismaOn(owner));
  if (formerEnd > 0)
    log.info(
      { before: formerEnd },
      'an older version indexed the events before this position: search finds them by whole words in any order, and not by user agent, old and new values',
    );
}
