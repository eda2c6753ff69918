import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds to wait after so many failures in a row: `first`, then twice as long each time, with jitter. */
export function backOffMs(failures: number, { first, most }: { first: number; most: number }): number {
  const wait = Math.min(first * 2 ** (failures - 1), most);
  return wait * (0.5 + Math.random());
}

/** Resolves after that time, or at once when the signal is aborted. Keeps no process alive. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
}
