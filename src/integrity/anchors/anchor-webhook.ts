import { backOffMs, pause } from '../back-off.ts';
import { postNote } from '../post-note.ts';

const RETRY_MS = { first: 1_000, most: 300_000 };

/**
 * Posts a note to the URL until it is taken (any 2xx status) or the signal is aborted, no sooner again than `Retry-After`
 * says; `onError` hears of failures.
 */
export async function deliverNote(
  url: string,
  note: string,
  options: { timeoutMs: number; signal: AbortSignal; onError: (error: Error) => void },
): Promise<void> {
  const { signal, onError } = options;
  for (let failures = 1; !signal.aborted; failures += 1) {
    let askedMs = 0;
    try {
      const { status, retryAfterMs = 0 } = await postNote(url, note, options);
      if (status >= 200 && status < 300) return;
      askedMs = retryAfterMs;
      throw new Error(`the webhook answered with status ${status}`);
    } catch (error) {
      if (signal.aborted) return;
      onError(error as Error);
    }
    await pause(Math.max(backOffMs(failures, RETRY_MS), askedMs), signal);
  }
}
