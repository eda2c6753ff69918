import { readConfig } from '../../config.ts';
import { SILENCE } from '../../db/client-with-deadlines.ts';
import { createPool } from '../../db/pool.ts';
import { sqlStateOf } from '../../errors.ts';
import { type Verification, verifyDatabase } from '../../verify/database.ts';
import type { CountedFinding } from '../../verify/findings.ts';
import { usefulThreads } from '../../verify/threads.ts';
import { openDatabase } from '../open-database.ts';
import { type CommandResult, createProgress, findingLines, printable } from './output.ts';
import { readSavedNotes } from './saved-checkpoints.ts';

/** A table, a column or a function is missing. */
const MISSING = ['42P01', '42703', '42883'];

export interface DatabaseFlags {
  checkpoint?: string[];
  key?: string;
}

/** Verifies the log in the database, also while a service uses it. */
export async function verifyTheDatabase({ checkpoint = [], key }: DatabaseFlags): Promise<CommandResult> {
  const savedNotes = await readSavedNotes(checkpoint);
  const database = await openDatabase(readConfig());
  const pool = createPool(database.url, () => undefined, { silenceMs: SILENCE.none });
  const progress = createProgress(process.stderr, 'events');
  const startMs = performance.now();
  try {
    const threads = { url: database.url, count: usefulThreads() };
    const found = await verifyDatabase(pool, {
      verifierKey: key,
      savedNotes,
      threads,
      onProgress: progress.at,
    });
    progress.end();
    const seconds = (performance.now() - startMs) / 1_000;
    return resultOf(found, { savedCount: savedNotes.length, isKeyGiven: key !== undefined, seconds });
  } catch (error) {
    progress.end();
    if (!MISSING.includes(sqlStateOf(error) ?? '')) throw error;
    throw new Error('the database is not that of an audit log of this version: start the service on it once');
  } finally {
    await pool.end();
    await database.close();
  }
}

interface ResultContext {
  savedCount: number;
  isKeyGiven: boolean;
  seconds: number;
}

function resultOf(found: Verification, given: ResultContext): CommandResult {
  const { findings, rootHash, ...rest } = found;
  const isDecidable = found.trust !== undefined && found.checkpoints + given.savedCount > 0;
  const outcome = findings.length > 0 ? 'does not hold' : isDecidable ? 'verified' : 'undecided';
  return {
    outcome,
    json: {
      ...rest,
      rootHash: rootHash === undefined ? null : Buffer.from(rootHash).toString('hex'),
      isKeyGiven: given.isKeyGiven,
      keptCheckpoints: given.savedCount,
      seconds: Number(given.seconds.toFixed(3)),
      findings,
    },
    lines: [
      ...describeOutcome(outcome, findings),
      ...(findings.some(({ kind }) => kind === 'incomplete') ? [] : describeResult(found, given)),
    ],
  };
}

function describeOutcome(outcome: CommandResult['outcome'], findings: readonly CountedFinding[]): string[] {
  if (outcome === 'verified') return ['Verified: the log matches what was appended and signed.'];
  if (outcome === 'undecided') return ['Undecided: there is no checkpoint to compare the log with.'];
  return findingLines(findings);
}

function describeResult(found: Verification, { savedCount, isKeyGiven, seconds }: ResultContext): string[] {
  const { trust, size, firstPosition, rootHash, events } = found;
  const key = trust
    ? `${printable(trust.verifierKey)}${isKeyGiven ? '' : " (the database's own: give the one that you kept with --key)"}`
    : 'no key: the database has none';
  const rate = Math.round(events / Math.max(seconds, 0.001));
  return [
    `Log: ${size} events, ${firstPosition} of them removed by retention; root hash ${rootHash ? Buffer.from(rootHash).toString('hex') : 'not known'}`,
    `Signed by: ${key}`,
    `Compared: ${events} events, ${found.checkpoints} checkpoints, ${found.cosignatures} cosignatures, ${found.customerTrees} customers' trees; ${savedCount} saved checkpoints`,
    `Time: ${seconds.toFixed(1)} s, ${rate} events/s`,
  ];
}
