import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { readBody } from '../response-body.ts';

/** The answer of an HTTP server. */
export interface PostResponse {
  status: number;
  /** The media type without parameters, in lower case. */
  contentType: string;
  body: string;
  /** How long the server asks to wait (RFC 9110, `Retry-After`), in milliseconds; undefined when it does not say. */
  retryAfterMs: number | undefined;
}

export interface PostOptions {
  /** Timeout of the whole exchange. */
  timeoutMs: number;
  /** Aborts the exchange. */
  signal: AbortSignal;
}

const MAX_ANSWER_BYTES = 65_536;
const MAX_RETRY_AFTER_MS = 86_400_000;

/**
 * Posts a text to a URL. Does not follow redirects, so that a note goes only to the server that the operator named.
 * Throws when there is no answer within `timeoutMs` or when the answer exceeds 64 KiB. The error message does not contain
 * the URL, which may be a secret.
 */
export async function postNote(url: string, text: string, options: PostOptions): Promise<PostResponse> {
  options.signal.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(new Error(`no answer within ${options.timeoutMs} ms`));
  const timer = setTimeout(abort, options.timeoutMs);
  options.signal.addEventListener('abort', abort);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: text,
      redirect: 'manual',
      signal: controller.signal,
    });
    const contentType = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
    return {
      status: response.status,
      contentType: contentType.trim().toLowerCase(),
      body: (await readBody(response, MAX_ANSWER_BYTES)).toString('utf8'),
      retryAfterMs: retryAfterOf(response.headers.get('retry-after'), Date.now()),
    };
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

/** A `Retry-After` header (seconds or an HTTP date) in milliseconds from now, at most a day; undefined when it is malformed. */
export function retryAfterOf(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const waitMs = /^\d{1,10}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

// The message of fetch is "fetch failed"; the reason is in its cause.
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}

/** A server answered and did not accept the note. */
export class DeclinedError extends Error {
  override readonly name: string = 'DeclinedError';
  /** How long the server asks to wait (`Retry-After`), in milliseconds; 0 when it does not say. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs = 0) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

export interface RetryOptions {
  /** The first wait, in milliseconds. Each further wait is twice as long, with jitter, up to `maxWaitMs`. */
  firstWaitMs: number;
  maxWaitMs: number;
  /** Ends the attempts. */
  signal: AbortSignal;
  /** Called after every failed attempt. */
  onError: (error: Error) => void;
}

/**
 * Repeats an attempt until it succeeds or the signal is aborted, then resolves. After a `DeclinedError` it waits at least
 * as long as the server asks. Also resolves after a TypeError, which is a programming error and is not retried.
 */
export async function retryUntilDone(
  attempt: () => Promise<void>,
  { firstWaitMs, maxWaitMs, signal, onError }: RetryOptions,
): Promise<void> {
  await pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: firstWaitMs,
    maxTimeout: maxWaitMs,
    randomize: true,
    unref: true,
    signal,
    async onFailedAttempt({ error }) {
      if (signal.aborted) return;
      onError(error);
      // p-retry does not know Retry-After, and adds its own wait to this one.
      if (error instanceof DeclinedError) await pause(error.retryAfterMs, signal);
    },
  }).catch(() => undefined);
}

/** Resolves after that time, or at once when the signal is aborted. Does not keep the process alive. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
}
