import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { readLatestCheckpoint } from './checkpoints.ts';
import { IntegrityError } from './integrity-alarms.ts';
import { type SigningIdentity, signNext, timestamp } from './sign-checkpoints.ts';
import type { LogIdentity } from './signing-identity.ts';

/** Signs checkpoints on a timer. */
export interface Signer {
  /** Resolves when a checkpoint covers everything committed before the call, if this instance can sign. */
  signNow(): Promise<void>;
  /** Why signing has stopped; undefined while it has not. */
  problem(): IntegrityError | undefined;
  /** Stops signing for good: evidence outside the database shows that the log was altered. */
  halt(problem: IntegrityError): void;
  close(): Promise<void>;
}

export interface SignerOptions {
  pool: Pool;
  identity: LogIdentity;
  /** Time between checkpoints while the log grows. */
  intervalMs: number;
  /** Time between timestamps of the last checkpoint while the log does not grow. */
  heartbeatMs: number;
  /** What was found wrong before the start, if anything. Nothing is signed then. */
  problem: IntegrityError | undefined;
  /** Called once when the stored log is found to be altered. Nothing is signed afterwards. */
  onAlarm: (problem: IntegrityError) => void;
  onError: (error: Error) => void;
}

/** Starts the timer. An instance without the private key signs nothing. */
export function createSigner(options: SignerOptions): Signer {
  const { pool, identity, onAlarm, onError } = options;
  let running: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  let { problem } = options;
  let isClosed = false;

  async function run(): Promise<void> {
    waiting = undefined;
    if (!canSign(identity) || problem) return;
    try {
      while (!isClosed && !(await signNext(pool, identity)));
      await refresh(pool, identity, options.heartbeatMs);
    } catch (error) {
      if (isClosed) return;
      if (!(error instanceof IntegrityError)) return onError(error as Error);
      halt(error);
    }
  }

  function halt(found: IntegrityError): void {
    if (problem) return;
    problem = found;
    onAlarm(found);
  }

  // A run that has begun may miss what the caller just committed; a run that still waits does not.
  function signNow(): Promise<void> {
    waiting ??= running = running.then(run);
    return waiting;
  }

  const timer = setInterval(() => void signNow(), options.intervalMs);
  timer.unref();

  return {
    signNow,
    problem: () => problem,
    halt,
    async close() {
      isClosed = true;
      clearInterval(timer);
      await running;
    },
  };
}

function canSign(identity: LogIdentity): identity is SigningIdentity {
  return identity.signers !== undefined;
}

async function refresh(pool: Pool, identity: SigningIdentity, heartbeatMs: number): Promise<void> {
  const last = await readLatestCheckpoint(prismaOn(pool), 'log');
  if (last && Date.now() - last.timestampedAt >= heartbeatMs) await timestamp(prismaOn(pool), identity, last);
}
