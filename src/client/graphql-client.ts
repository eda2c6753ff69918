import { setTimeout as delay } from 'node:timers/promises';
import { parseJson } from '../parse-json.ts';

/** The service and the key that a client uses, and how it retries. */
export interface ClientOptions {
  /** The GraphQL endpoint, or the address of the service without `/graphql`. */
  url: string;
  /** The bearer key. */
  key: string;
  /** The first pause before a retry, in milliseconds; it doubles up to a minute. Default: 250. */
  retryBaseMs?: number;
  /** The most attempts of one request, once the service has answered any request. Default: 10. */
  attempts?: number;
  /** The longest time for one answer, in milliseconds. Default: 60000. */
  timeoutMs?: number;
  /** Called before each retry, with its reason. */
  onRetry?: (message: string) => void;
}

/** An error of the GraphQL answer. */
export interface AnswerError {
  message: string;
  code: string;
  /** The path of the refused argument, for example `input[17].ipAddress`. */
  path: string | undefined;
}

/** The service refused a request or cannot be reached. The message says what to do. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly errors: readonly AnswerError[];

  constructor(message: string, errors: readonly AnswerError[] = []) {
    super(message);
    this.errors = errors;
  }
}

export interface Client {
  readonly endpoint: URL;
  /**
   * Sends an operation whose repetition does no harm; `variables` is JSON text. Retries network failures, the statuses
   * 429, 502, 503 and 504, and the codes OVERLOADED, UNAVAILABLE and TIMEOUT, after a jittered, growing pause. Throws a
   * ClientError for every other error, and after the last attempt.
   */
  request(document: string, variables: string): Promise<Record<string, unknown>>;
}

const RETRY_CODES = new Set(['OVERLOADED', 'UNAVAILABLE', 'TIMEOUT']);
const RETRY_STATUS = new Set([429, 502, 503, 504]);
const MAX_PAUSE_MS = 60_000;
/** The most attempts while nothing has answered yet: the address is more likely wrong than the service restarting. */
const FIRST_ATTEMPTS = 3;

/** The GraphQL endpoint of an address: that of `http://localhost:4000` is `http://localhost:4000/graphql`. */
export function endpointOf(url: string): URL {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new ClientError(`AUDIT_LOG_URL is not an http(s) address: ${url}`);
  }
  const endpoint = new URL(url);
  const path = endpoint.pathname.replace(/\/+$/, '');
  endpoint.pathname = path.endsWith('/graphql') ? path : `${path}/graphql`;
  return endpoint;
}

/** A client from `AUDIT_LOG_URL` (default http://127.0.0.1:4000/graphql) and `AUDIT_LOG_KEY`. */
export function clientFrom(environment: NodeJS.ProcessEnv, options: Partial<ClientOptions> = {}): Client {
  const key = environment.AUDIT_LOG_KEY?.trim();
  if (!key) {
    throw new ClientError(
      'AUDIT_LOG_KEY is not set: set it to a key of the audit log (the service prints one on its first start)',
    );
  }
  const url = environment.AUDIT_LOG_URL?.trim() || 'http://127.0.0.1:4000/graphql';
  return createClient({ url, key, ...options });
}

export function createClient(options: ClientOptions): Client {
  const endpoint = endpointOf(options.url);
  let reached = false;
  const request = async (document: string, variables: string) => {
    // Not by p-retry: it does not tell its pause, which `onRetry` reports, and adds its own to that of Retry-After.
    for (let attempt = 1; ; attempt++) {
      const result = await post(
        endpoint,
        options,
        `{"query":${JSON.stringify(document)},"variables":${variables}}`,
      );
      reached ||= result.reached;
      if ('data' in result) return result.data;
      const attempts = reached ? (options.attempts ?? 10) : Math.min(FIRST_ATTEMPTS, options.attempts ?? 10);
      if (!result.retry || attempt >= attempts) throw result.error;
      const pauseMs = pauseBefore(attempt, options.retryBaseMs ?? 250, result.retryAfterMs);
      options.onRetry?.(`${result.error.message} Trying again in ${(pauseMs / 1000).toFixed(1)} s.`);
      await delay(pauseMs);
    }
  };
  return { endpoint, request };
}

function pauseBefore(attempt: number, baseMs: number, retryAfterMs: number | undefined): number {
  const ceiling = Math.min(MAX_PAUSE_MS, baseMs * 2 ** attempt);
  const jittered = ceiling / 2 + Math.random() * (ceiling / 2);
  return Math.min(MAX_PAUSE_MS, Math.max(jittered, retryAfterMs ?? 0));
}

type PostResult =
  | { reached: true; data: Record<string, unknown> }
  | { reached: boolean; error: ClientError; retry: boolean; retryAfterMs?: number | undefined };

async function post(endpoint: URL, options: ClientOptions, body: string): Promise<PostResult> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        authorization: `Bearer ${options.key}`,
      },
      signal: AbortSignal.timeout(options.timeoutMs ?? 60_000),
    });
    text = await response.text();
  } catch (error) {
    return { reached: false, retry: true, error: new ClientError(unreachable(endpoint, error)) };
  }
  return readAnswer(endpoint, response, text);
}

function unreachable(endpoint: URL, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  const reason = typeof code === 'string' ? code : cause instanceof Error ? cause.message : String(cause);
  return `cannot reach the audit log at ${endpoint} (${reason}): is it running, and is AUDIT_LOG_URL right?`;
}

function readAnswer(endpoint: URL, response: Response, text: string): PostResult {
  const answer = answerOf(text);
  const retryAfterMs = secondsToMs(response.headers.get('retry-after'));
  const errors = answerErrors(answer?.errors);
  if (answer === undefined || (errors.length === 0 && !isRecord(answer.data))) {
    const message = explainStatus(endpoint, response.status);
    const code = response.status === 413 ? 'PAYLOAD_TOO_LARGE' : 'UNKNOWN';
    const error = new ClientError(message, [{ message, code, path: undefined }]);
    return { reached: true, error, retry: RETRY_STATUS.has(response.status), retryAfterMs };
  }
  if (errors.length === 0) return { reached: true, data: answer.data as Record<string, unknown> };
  const retry = errors.some(({ code }) => RETRY_CODES.has(code)) || RETRY_STATUS.has(response.status);
  return { reached: true, error: new ClientError(explain(errors), errors), retry, retryAfterMs };
}

function answerOf(text: string): Record<string, unknown> | undefined {
  try {
    const answer: unknown = parseJson(text);
    return isRecord(answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}

function answerErrors(errors: unknown): AnswerError[] {
  if (!Array.isArray(errors)) return [];
  return errors.filter(isRecord).map((error) => {
    const extensions = isRecord(error.extensions) ? error.extensions : {};
    return {
      message: String(error.message),
      code: typeof extensions.code === 'string' ? extensions.code : 'UNKNOWN',
      path: typeof extensions.path === 'string' ? extensions.path : undefined,
    };
  });
}

function explain(errors: readonly AnswerError[]): string {
  const [first] = errors;
  if (first === undefined) return 'the audit log answered with an empty list of errors';
  const text = `${first.message} (${first.code})`;
  if (first.code === 'UNAUTHENTICATED')
    return `the audit log refused the key: ${text}; is AUDIT_LOG_KEY right?`;
  if (first.code === 'FORBIDDEN' && first.message.includes('PERSISTED_ONLY'))
    return (
      `${text}: the operation is refused, not the key; add the output of audit-log documents to the service's ` +
      'PERSISTED_DOCUMENTS file, or start the service with PERSISTED_ONLY=false'
    );
  if (first.code === 'FORBIDDEN')
    return `the audit log refused the operation: ${text}; use a key with the required scope`;
  return `the audit log answered: ${text}`;
}

function explainStatus(endpoint: URL, status: number): string {
  if (status === 401) return 'the audit log refused the key (HTTP 401); is AUDIT_LOG_KEY right?';
  if (status === 403)
    return 'the audit log refused the operation (HTTP 403); use a key with the required scope';
  if (status === 413) return 'the request is larger than the audit log accepts (HTTP 413)';
  return `${endpoint} answered with HTTP ${status}, not with GraphQL: is AUDIT_LOG_URL right?`;
}

function secondsToMs(header: string | null): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
