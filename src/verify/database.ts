import type { PoolClient } from 'pg';
import type { PrismaClient } from '../db/generated/client.ts';
import { isMigrated } from '../db/migrate.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn, prismaWithin } from '../db/prisma.ts';
import { conditionOf } from '../errors.ts';
import { readIdentity } from '../evidence/signing-identity.ts';
import { rootOf } from '../merkle/tree.ts';
import { checkCatalog } from './catalog.ts';
import { CheckpointCheck, checkCosignatures, checkEvidenceCounts, streamCheckpoints } from './checkpoints.ts';
import { checkCustomers } from './customers.ts';
import { checkIdempotencyKeys, checkIdempotencyKeysOfEvents, checkSummaries } from './derived-data.ts';
import { EventOwners } from './event-owners.ts';
import { type CountedFinding, Findings } from './findings.ts';
import {
  checkHead,
  checkRemoval,
  checkSegments,
  checkTreeRow,
  type LogSizes,
  type LogWalkResult,
  readRemovals,
  readSizes,
} from './head.ts';
import { type RowThreads, readBlocks, readRowsIn } from './read-rows.ts';
import type { Removals } from './removals.ts';
import { checkUpperTiles, streamTiles, TreeCheck } from './trees.ts';
import { openSavedNotes, type SavedCheckpoint, type SavedNote, type Trust, trustKey } from './trust.ts';
import { walkLog } from './walk-log.ts';

export interface DatabaseVerifyOptions {
  /** The public key to trust, in the verifier format of C2SP signed-note. Default: the key in the database. */
  verifierKey?: string | undefined;
  /** Checkpoints from outside the database. */
  savedNotes?: readonly SavedNote[];
  /** Additional threads that read and check rows. Default: none. */
  threads?: RowThreads;
  /** Called with the current position and the size of the log. */
  onProgress?: (position: number, size: number) => void;
}

/** The result of a verification. */
export interface Verification {
  /** The trusted key; undefined when the log has none and none was given. */
  trust: { origin: string; verifierKey: string } | undefined;
  size: number;
  firstPosition: number;
  /** The root hash of the present events; undefined when not all leaves are known. */
  rootHash: Uint8Array | undefined;
  /** The number of events that were checked. */
  events: number;
  checkpoints: number;
  cosignatures: number;
  customerTrees: number;
  /** The first finding of each kind; empty when everything verifies. */
  findings: CountedFinding[];
}

/**
 * Verifies the log in a snapshot, while others write. When it cannot be finished, since the tables are not those that the
 * migrations created, that is a finding too.
 */
export async function verifyDatabase(pool: Pool, options: DatabaseVerifyOptions = {}): Promise<Verification> {
  const result = emptyResult();
  const findings = new Findings();
  const isCurrent = await isMigrated(pool);
  try {
    await inSnapshot(pool, (client) => verifyAll(client, options, { result, findings, isCurrent }));
  } catch (error) {
    if (!isCurrent || conditionOf(error) !== undefined) throw error;
    await explainFailure(pool, error, findings);
  }
  return { ...result, findings: findings.list() };
}

async function inSnapshot(pool: Pool, run: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // Before the snapshot, so that no segment of the snapshot can be removed.
    await client.query('LOCK TABLE ONLY audit_events IN ACCESS SHARE MODE');
    await run(client);
  } finally {
    // Destroyed: the connection may be in the middle of a stream.
    client.release(true);
  }
}

/** Adds the findings that explain why a verification failed. Throws the error when the tables do not explain it. */
async function explainFailure(pool: Pool, error: unknown, findings: Findings): Promise<void> {
  const ofCatalog = new Findings();
  // It compares the tables first, and fails too when one of them is missing.
  await checkCatalog(prismaOn(pool), ofCatalog, { isMigrated: true }).catch(() => undefined);
  if (ofCatalog.list().length === 0) throw error;
  findings.addAll(ofCatalog);
  const cause = (error as Error).message.split('\n').at(-1);
  findings.add({ kind: 'incomplete', message: `the verification could not be finished: ${cause}` });
}

/**
 * Verifies everything that the client's transaction sees: every row against its leaf hash, its derived columns and its
 * tile; every tile, the head and every tree; every checkpoint and cosignature, and their numbers; the idempotency keys; the
 * counts behind summaries; the catalog; and that an event announces what was removed. It recomputes every stored value.
 * The transaction must have a snapshot for all its statements, and the database be migrated to this version.
 */
export async function verifySnapshot(
  client: PoolClient,
  options: DatabaseVerifyOptions = {},
): Promise<Verification> {
  const result = emptyResult();
  const findings = new Findings();
  await verifyAll(client, options, { result, findings, isCurrent: true });
  return { ...result, findings: findings.list() };
}

/** A verification without its findings. */
type Result = Omit<Verification, 'findings'>;

function emptyResult(): Result {
  return {
    trust: undefined,
    size: 0,
    firstPosition: 0,
    rootHash: undefined,
    events: 0,
    checkpoints: 0,
    cosignatures: 0,
    customerTrees: 0,
  };
}

/** Sets the members of the result one after another, so that they are there when a check fails. */
async function verifyAll(
  client: PoolClient,
  options: DatabaseVerifyOptions,
  { result, findings, isCurrent }: { result: Result; findings: Findings; isCurrent: boolean },
): Promise<void> {
  const prisma = prismaWithin(client);
  const trust = await establishTrust(prisma, options.verifierKey, findings);
  result.trust = trust && { origin: trust.origin, verifierKey: trust.verifierKey };
  const saved = trust ? await openSavedNotes(options.savedNotes ?? [], trust, findings) : [];
  const sizes = await readSizes(prisma);
  const size = sizes.head?.size ?? sizes.rowsEnd;
  result.size = size;
  result.firstPosition = sizes.first;
  const owners = new EventOwners();
  const removals = await readRemovals(client, sizes.first);
  const context = { findings, trust, saved, sizes, owners, removals, options };
  const { tree, checkpoints, walked } = await checkLog(client, context);
  const frontier = tree.frontierAt(size);
  result.rootHash = frontier && rootOf(frontier);
  result.events = walked.events;
  checkRemoval({ sizes, tree, removals, findings });
  checkHead({ sizes, tree, walked, findings });
  checkTreeRow({ sizes, tree, walked, findings });
  if (sizes.head) await checkSegments(prisma, sizes.head, findings);
  await checkIdempotencyKeys(prisma, Math.max(size, sizes.rowsEnd), findings);
  await checkEvidenceCounts(prisma, findings);
  const customers = await checkCustomers({ client, trust, saved, findings, sizes, owners });
  result.checkpoints = checkpoints + customers.checkpoints;
  result.customerTrees = customers.trees;
  // Derived data is compared with the events, which makes sense only when the events are right.
  if (!findings.isLogWrong()) {
    await checkIdempotencyKeysOfEvents(client, findings);
    await checkSummaries(prisma, findings);
  }
  await checkCatalog(prisma, findings, { isMigrated: isCurrent });
  result.cosignatures = await checkCosignatures(client, trust ? [trust.timestampKey] : [], findings);
}

interface LogContext {
  findings: Findings;
  trust: Trust | undefined;
  saved: readonly SavedCheckpoint[];
  sizes: LogSizes;
  owners: EventOwners;
  removals: Removals;
  options: DatabaseVerifyOptions;
}

async function checkLog(
  client: PoolClient,
  { findings, trust, saved, sizes, owners, removals, options }: LogContext,
): Promise<{ tree: TreeCheck; checkpoints: number; walked: LogWalkResult }> {
  const prisma = prismaWithin(client);
  const stored = streamCheckpoints(client, 'log');
  const checkpoints = new CheckpointCheck({
    tree: 'log',
    trust,
    stored,
    saved,
    findings,
    compared: findings,
  });
  const { head, first, rowsEnd, treeSize } = sizes;
  const size = head?.size ?? rowsEnd;
  const announced = removals.find(first)?.firstPosition ?? 0;
  const keptSizes = [size, rowsEnd, treeSize, Math.max(first, rowsEnd, treeSize), announced];
  const tree = new TreeCheck(checkpoints, { keptSizes });
  const onProgress = (position: number) => options.onProgress?.(position, size);
  const reading = await readRowsIn(client, options.threads);
  const rows = readBlocks(prisma, reading.read, reading.ahead);
  const tiles = streamTiles(client, "tree = 'log' AND level = 0");
  const walk = { prisma, findings, sizes, tree, owners, onProgress };
  const walked = await walkLog(walk, rows, tiles).finally(reading.end);
  await tree.finish();
  const upper = streamTiles(client, "tree = 'log' AND level > 0").while(() => true);
  await checkUpperTiles(upper, { tree: 'log', size: treeSize, replay: tree.replay, findings });
  return { tree, checkpoints: checkpoints.checked, walked };
}

/** Trusts the given key, which must be that of the log; without one, the key in the database. */
async function establishTrust(
  prisma: PrismaClient,
  given: string | undefined,
  findings: Findings,
): Promise<Trust | undefined> {
  const trust = given === undefined ? undefined : trustKey(given);
  const stored = await readIdentity(prisma);
  const wrong = (message: string) => findings.add({ kind: 'identity', message });
  if (!stored) {
    if (trust) wrong('the log does not say who signs it');
    return trust;
  }
  if (trust && trust.verifierKey !== stored.verifierKey) wrong(`the log is signed by ${stored.verifierKey}`);
  const own = trust ?? ownTrust(stored.verifierKey, wrong);
  if (own && own.origin !== stored.origin)
    wrong(`the log calls itself "${stored.origin}", and its key is of "${own.origin}"`);
  return own;
}

function ownTrust(verifierKey: string, wrong: (message: string) => void): Trust | undefined {
  try {
    return trustKey(verifierKey);
  } catch (error) {
    wrong(`the log's verifier key is malformed: ${(error as Error).message}`);
    return undefined;
  }
}
