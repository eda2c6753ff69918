import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { createTurn, type Turn } from '../../db/turn.ts';
import { backOffMs, pause } from '../back-off.ts';
import { readLatestCheckpoint } from '../checkpoints.ts';
import { readLatestCosignature, storeCosignature } from '../cosignatures.ts';
import { obtainCosignature, type SubmitOptions } from './submit.ts';
import type { Witness } from './witness.ts';
import { WitnessError } from './witness-error.ts';

const MAX_BACK_OFF_MS = 600_000;
const REFRESH_MS = 3_600_000;

export interface WitnessingOptions {
  pool: Pool;
  /** The log's public key. */
  verifierKey: string;
  witnesses: readonly Witness[];
  /** Time between two looks whether there is something to cosign. */
  intervalMs: number;
  /** Longest time for a request. */
  timeoutMs: number;
  /** Called when a witness says that the log is not the one it has cosigned; once, until it cosigns again. */
  onDispute: (witness: string, error: WitnessError) => void;
  /** Called at every failure. */
  onError: (witness: string, error: Error) => void;
}

/** Keeps the witnesses of the log up to date. */
export interface Witnessing {
  /** Ends what is under way. */
  close(): Promise<void>;
}

/**
 * Has every witness cosign the log's last checkpoint: each at its own pace, one request at a time, and while it fails
 * after longer and longer times, and no sooner than it asks for. Of several instances one does this at a time. Signing waits for none of it.
 */
export function createWitnessing(options: WitnessingOptions): Witnessing {
  const closing = new AbortController();
  const turn = createTurn(options.pool, 'audit_log.witnesses');
  const loops = options.witnesses.map((witness) =>
    attend(witness, options, { turn, signal: closing.signal }),
  );
  return {
    async close() {
      closing.abort();
      await Promise.all(loops);
      await turn.end();
    },
  };
}

async function attend(
  witness: Witness,
  options: WitnessingOptions,
  { turn, signal }: { turn: Turn; signal: AbortSignal },
): Promise<void> {
  const { intervalMs, onError, onDispute } = options;
  const { name } = witness.verifier;
  let failures = 0;
  let isDisputed = false;
  let askedMs = 0;
  while (!signal.aborted) {
    try {
      if (await turn.isMine()) await bringUpToDate({ ...options, signal }, witness);
      failures = 0;
      askedMs = 0;
      isDisputed = false;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      askedMs = error instanceof WitnessError ? error.retryAfterMs : 0;
      onError(name, error as Error);
      if (error instanceof WitnessError && error.isDispute && !isDisputed) {
        isDisputed = true;
        onDispute(name, error);
      }
    }
    const backOff = { first: intervalMs, most: Math.max(intervalMs, MAX_BACK_OFF_MS) };
    const waitMs = failures === 0 ? intervalMs : backOffMs(failures, backOff);
    await pause(Math.max(waitMs, askedMs), signal);
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
