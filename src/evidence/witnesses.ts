import { setMaxListeners } from 'node:events';
import { createLease, type Lease } from '../db/lease.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { formatNote, keyIdOf, parseNote, parseVerifierKey } from '../merkle/note.ts';
import { proveConsistency } from '../merkle/prove.ts';
import { nodesFromTiles } from '../merkle/tile.ts';
import {
  readLatestCheckpoint,
  readLatestCosignature,
  type StoredCosignature,
  storeCosignature,
} from './checkpoints.ts';
import { type PostOptions, type PostResponse, pause, postNote, retryUntilDone } from './post-note.ts';
import { tileReader } from './trees.ts';
import {
  cosignatureOf,
  formatRequest,
  sizeOfConflict,
  type Witness,
  WitnessError,
} from './witness-protocol.ts';

const MAX_WAIT_MS = 600_000;
const REFRESH_MS = 3_600_000;

export interface WitnessingOptions {
  pool: Pool;
  /** The log's public key. */
  verifierKey: string;
  witnesses: readonly Witness[];
  /** Time between two checks for a new checkpoint. */
  intervalMs: number;
  /** Timeout of a request. */
  timeoutMs: number;
  /** Called when a witness reports another log than the one that it has cosigned; once, until it cosigns again. */
  onDispute: (witness: string, error: WitnessError) => void;
  /** Called after every failure. */
  onError: (witness: string, error: Error) => void;
}

/** Keeps the witnesses of the log up to date. */
export interface Witnessing {
  /** Aborts the requests under way and ends the loops. */
  close(): Promise<void>;
}

/**
 * Has every witness cosign the log's last checkpoint. Each witness has its own loop: one request at a time, and after a
 * failure growing waits, at least as long as the witness asks for. Of several instances, the one that holds the lease does
 * this. Signing does not wait for witnesses.
 */
export function createWitnessing(options: WitnessingOptions): Witnessing {
  const closing = new AbortController();
  // Every loop listens, and Node would warn of the eleventh listener.
  setMaxListeners(0, closing.signal);
  const lease = createLease(options.pool, 'audit_log.witnesses');
  const loops = options.witnesses.map((witness) =>
    keepUpToDate(witness, options, { lease, signal: closing.signal }),
  );
  return {
    async close() {
      closing.abort();
      await Promise.all(loops);
      await lease.release();
    },
  };
}

async function keepUpToDate(
  witness: Witness,
  options: WitnessingOptions,
  { lease, signal }: { lease: Lease; signal: AbortSignal },
): Promise<void> {
  const { intervalMs, onError, onDispute } = options;
  const { name } = witness.verifier;
  const retry = { firstWaitMs: intervalMs, maxWaitMs: Math.max(intervalMs, MAX_WAIT_MS), signal };
  while (!signal.aborted) {
    let isDisputed = false;
    const attempt = async () => {
      if (await lease.acquire()) await bringUpToDate({ ...options, signal }, witness);
    };
    await retryUntilDone(attempt, {
      ...retry,
      onError(error) {
        onError(name, error);
        if (!(error instanceof WitnessError && error.isDispute) || isDisputed) return;
        isDisputed = true;
        onDispute(name, error);
      },
    });
    await pause(intervalMs, signal);
  }
}

async function bringUpToDate(options: SubmitOptions, witness: Witness): Promise<void> {
  const { pool } = options;
  const known = await readLatestCosignature(pool, witness.verifier);
  const last = await readLatestCheckpoint(prismaOn(pool), 'log');
  const isFresh = known !== undefined && Date.now() - known.cosignedAt < REFRESH_MS;
  if (isFresh && known.treeSize === last?.treeSize) return;
  const cosignature = await obtainCosignature(options, witness, known?.treeSize ?? 0);
  if (cosignature) await storeCosignature(pool, cosignature);
}

const ATTEMPTS = 3;

/** What a submission needs. */
export interface SubmitOptions extends PostOptions {
  pool: Pool;
  /** The log's public key. */
  verifierKey: string;
}

/**
 * Has a witness cosign the log's last checkpoint. `knownSize` is the size of its last cosignature that this log knows;
 * when the witness names another size, that one counts. Returns undefined while there is no checkpoint.
 * Throws a WitnessError when the witness declines, and the errors of network and database.
 */
export async function obtainCosignature(
  options: SubmitOptions,
  witness: Witness,
  knownSize: number,
): Promise<StoredCosignature | undefined> {
  let oldSize = knownSize;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const outcome = await submit(options, witness, oldSize);
    if (typeof outcome !== 'number') return outcome;
    oldSize = outcome;
  }
  throw new WitnessError('it names another size each time');
}

/** Sends one request. Returns the cosignature, or the size from which the witness wants the proof. */
async function submit(
  options: SubmitOptions,
  { url, verifier }: Witness,
  oldSize: number,
): Promise<StoredCosignature | number | undefined> {
  // Read after the witness named its size: a checkpoint is stored before it is sent to a witness.
  const last = await readLatestCheckpoint(prismaOn(options.pool), 'log');
  if (!last) return undefined;
  const { treeSize } = last;
  if (oldSize > treeSize)
    throw dispute(`it has cosigned ${oldSize} events, and the log has signed ${treeSize}`);
  const { text, note } = ownNote(last.note, options.verifierKey);
  const proof = await proofBetween(options.pool, oldSize, treeSize);
  const answer = await postNote(`${url}/add-checkpoint`, formatRequest({ oldSize, proof, note }), options);
  if (answer.status === 200) return cosignatureOf(answer.body, verifier, { text, treeSize, now: Date.now() });
  const wanted = sizeOfConflict(answer);
  if (wanted === undefined) throw declined(answer, treeSize);
  return wanted;
}

// From the empty tree, with which every tree begins, there is no proof.
async function proofBetween(pool: Pool, from: number, to: number): Promise<Uint8Array[]> {
  return from === 0 ? [] : proveConsistency(from, to, nodesFromTiles(to, tileReader(prismaOn(pool), 'log')));
}

// Only the log's own signature: a witness need not accept a note with more than 16.
function ownNote(note: string, verifierKey: string): { text: string; note: string } {
  const keyId = keyIdOf(parseVerifierKey(verifierKey));
  const { text, signatures } = parseNote(note);
  return { text, note: formatNote({ text, signatures: signatures.filter((line) => line.keyId === keyId) }) };
}

function dispute(message: string): WitnessError {
  return new WitnessError(message, { isDispute: true });
}

const REASONS: Partial<Record<number, string>> = {
  403: 'it does not trust the key of this log',
  404: 'it does not know this log',
  429: 'it is asked too often',
};

function declined({ status, retryAfterMs }: PostResponse, treeSize: number): WitnessError {
  if (status === 422)
    return dispute(`the checkpoint of ${treeSize} events does not continue what it has cosigned`);
  const reason = REASONS[status] ? `: ${REASONS[status]}` : '';
  return new WitnessError(`status ${status}${reason}`, { retryAfterMs: retryAfterMs ?? 0 });
}
