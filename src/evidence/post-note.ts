import { setTimeout as delay } from 'node:timers/promises';

/** What an HTTP server answered. */
export interface PostResponse {
  status: number;
  /** The media type without parameters, in lower case. */
  contentType: string;
  body: string;
  /** How long the server asks to be left alone (RFC 9110, `Retry-After`), in milliseconds; undefined: it does not. */
  retryAfterMs: number | undefined;
}

export interface PostOptions {
  /** Longest time for the whole exchange. */
  timeoutMs: number;
  /** Ends it early. */
  signal: AbortSignal;
}

const MAX_ANSWER_BYTES = 65_536;
const MAX_RETRY_AFTER_MS = 86_400_000;

/**
 * Posts a text to a URL. Redirects are answers like any other: a note goes to whom the operator named.
 * Throws when there is no answer in time, or one of more than 64 KiB; its message does not hold the URL, which may be a
 * secret.
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
      body: await readText(response),
      retryAfterMs: retryAfterOf(response.headers.get('retry-after'), Date.now()),
    };
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

/** The milliseconds that a `Retry-After` means, which is a number of seconds or a date; a day at most. */
export function retryAfterOf(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const waitMs = /^\d{1,10}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

// fetch says "fetch failed" and nothing else; what went wrong is the cause.
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}

/** Milliseconds to wait after so many failures in a row: `first`, then twice as long each time, with jitter. */
export function backOffMs(failures: number, { first, most }: { first: number; most: number }): number {
  const wait = Math.min(first * 2 ** (failures - 1), most);
  return wait * (0.5 + Math.random());
}

/** Resolves after that time, or at once when the signal is aborted. Keeps no process alive. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
}
