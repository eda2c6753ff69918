import { createHash } from 'node:crypto';
import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { createTurn } from '../../db/turn.ts';
import { openCheckpoint } from '../../merkle/signed-checkpoint.ts';
import { pause } from '../back-off.ts';
import { readLatestCheckpoint } from '../checkpoints.ts';
import type { StoredIdentity } from '../identity.ts';
import { IntegrityError } from '../integrity-error.ts';
import { appendAnchor } from './anchor-file.ts';
import { deliverNote } from './anchor-webhook.ts';
import { checkAnchor, ownPolicy } from './check-anchor.ts';

const LAST_MS = 3_000;

export interface AnchorsOptions {
  pool: Pool;
  identity: StoredIdentity;
  /** The file that checkpoints are added to, if any. */
  file: string | undefined;
  /** The URL that they are posted to, if any. */
  webhook: string | undefined;
  /** Time between two of them. */
  intervalMs: number;
  /** Longest time for a request. */
  timeoutMs: number;
  /** Resolves when the last checkpoint covers the log as it is now, if this instance can sign. */
  signNow: () => Promise<void>;
  /** Called when the log does not continue what the file says; nothing is anchored then. */
  onAlarm: (problem: IntegrityError) => void;
  onError: (error: Error) => void;
}

/** Takes checkpoints out of the database's reach: one at the start, then on a timer. */
export interface Anchors {
  /** Stops the timer and anchors once more, as far as three seconds allow. */
  close(): Promise<void>;
}

/**
 * Anchors the first checkpoint and starts the timer. Each instance keeps its own file; of several with one webhook one
 * posts, and another takes over when it ends.
 */
export function createAnchors(options: AnchorsOptions): Anchors {
  const { file, webhook, timeoutMs, onAlarm, onError } = options;
  if (file === undefined && webhook === undefined) return { close: async () => undefined };
  let running: Promise<void> | undefined;
  let delivery = new AbortController();
  let delivering = Promise.resolve();
  const turn = createTurn(options.pool, turnOf(webhook ?? ''));

  // A newer checkpoint takes the place of one that the webhook has not taken yet.
  async function send(note: string): Promise<void> {
    if (webhook === undefined || !(await turn.isMine())) return;
    delivery.abort();
    delivery = new AbortController();
    delivering = deliverNote(webhook, note, { timeoutMs, signal: delivery.signal, onError });
  }

  async function anchor(): Promise<void> {
    try {
      await options.signNow();
      const note = await anchorInFile(options);
      if (note !== undefined) await send(note);
    } catch (error) {
      if (error instanceof IntegrityError) onAlarm(error);
      else onError(error as Error);
    }
  }

  function anchorNow(): Promise<void> {
    running ??= anchor().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function anchorLast(): Promise<void> {
    await running;
    await anchorNow();
    await delivering;
  }

  void anchorNow();
  const timer = setInterval(() => void anchorNow(), options.intervalMs);
  timer.unref();

  return {
    async close() {
      clearInterval(timer);
      const late = new AbortController();
      await Promise.race([anchorLast(), pause(LAST_MS, late.signal)]);
      late.abort();
      delivery.abort();
      await turn.end();
    },
  };
}

// The URL may be a secret.
function turnOf(webhook: string): string {
  return `audit_log.webhook ${createHash('sha256').update(webhook).digest('hex')}`;
}

/** Adds the last checkpoint to the file, if there is one, and returns its note. */
async function anchorInFile({ pool, identity, file }: AnchorsOptions): Promise<string | undefined> {
  const policy = ownPolicy(identity);
  if (file !== undefined) await checkAnchor(pool, policy, file);
  const last = await readLatestCheckpoint(prismaOn(pool), 'log');
  if (!last) return undefined;
  await openCheckpoint(last.note, policy).catch((error: Error) => {
    throw new IntegrityError('checkpoint', `the last checkpoint does not verify: ${error.message}`);
  });
  if (file !== undefined) await appendAnchor(file, last.note);
  return last.note;
}
