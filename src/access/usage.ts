import type { Pool } from '../db/pool.ts';
import { markUsed } from './keys.ts';

const STEP_MS = 60_000;

/** Keeps the times of last use, to the minute, off the path of requests. */
export interface Usage {
  /** The key is being used. */
  mark(keyId: string): void;
  /** Resolves when what was marked is stored. */
  close(): Promise<void>;
}

/** Makes the keeper on a pool; what cannot be stored is reported to `onError` and marked again a minute later. */
export function createUsage(pool: Pool, onError: (error: Error) => void): Usage {
  const marked = new Map<string, number>();
  const writes = new Set<Promise<void>>();

  return {
    mark(keyId) {
      const now = performance.now();
      const last = marked.get(keyId);
      if (last !== undefined && now - last < STEP_MS) return;
      marked.set(keyId, now);
      const write = markUsed(pool, keyId)
        .catch(onError)
        .finally(() => writes.delete(write));
      writes.add(write);
    },
    async close() {
      await Promise.all(writes);
    },
  };
}
