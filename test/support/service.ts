import { createClient, type Client as LiveClient } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { readConfig } from '../../src/config.ts';
import { type AuditService, type AuditServiceOptions, createAuditService } from '../../src/service.ts';
import { dataDirOf } from './database.ts';
import type { TypedDocumentString } from './operations/generated/graphql.ts';

export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789abcdef';

/**
 * Tests count what is in the log, and no event comes in that they did not make: those that are about the events of the
 * log itself set META_AUDIT. Nor do they wait for one another's connections when a service stops.
 */
export const QUIET = { META_AUDIT: 'none', STOP_IDLE_MS: '50' };

/** What a GraphQL answer holds; of an operation as plain text nothing is known. */
export interface Answer<Data = Record<string, never>> {
  data?: Data;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/**
 * Asks with an operation whose variables and data have types, or with plain text: it may be malformed, or put together by
 * the test, which then names the type of the data.
 */
export interface Ask {
  <Data, Variables>(
    operation: TypedDocumentString<Data, Variables>,
    ...rest: Rest<Variables>
  ): Promise<Answer<Data>>;
  <Data = Record<string, never>>(text: string, variables?: object, key?: string): Promise<Answer<Data>>;
}
type Rest<Variables> =
  Record<string, never> extends Variables
    ? [variables?: Variables, key?: string]
    : [variables: Variables, key?: string];

/** A running service and ways to ask it. */
export interface TestService extends AuditService {
  ask: Ask;
  live(key?: string): LiveClient;
}

/** Starts the real service on a free port. */
export async function startService(
  databaseUrl: string,
  environment: Record<string, string> = {},
  options: Omit<Partial<AuditServiceOptions>, 'config' | 'databaseUrl'> = {},
): Promise<TestService> {
  const DATA_DIR = dataDirOf(databaseUrl);
  const config = readConfig({ PORT: '0', ADMIN_API_KEY: ADMIN_KEY, DATA_DIR, ...QUIET, ...environment });
  const service = await createAuditService({
    config,
    databaseUrl,
    log: pino({ level: 'silent' }),
    ...options,
  });
  return {
    ...service,
    ask: (query: object | string, variables?: unknown, key = ADMIN_KEY) =>
      post(service.url, JSON.stringify({ query, variables }), key),
    live: (key = ADMIN_KEY) => liveAt(service.url, key),
  };
}

/** A client of the live feed at a URL, which does not connect again by itself. */
export function liveAt(url: string, key = ADMIN_KEY): LiveClient {
  return createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${key}` },
    retryAttempts: 0,
  });
}

/** The data of an answer; throws its errors, if it has any. */
export function dataOf<Data>(answer: { data?: Data | undefined; errors?: unknown }): NonNullable<Data> {
  if (answer.errors || !answer.data) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

/** The data that a subscription sends, one after another; leaving the loop over them ends it. */
export async function* follow<Data, Variables extends Record<string, unknown>>(
  client: LiveClient,
  operation: TypedDocumentString<Data, Variables>,
  variables: Variables,
): AsyncGenerator<NonNullable<Data>, void> {
  for await (const answer of client.iterate<Data>({ query: operation.toString(), variables }))
    yield dataOf(answer);
}

/** Posts a body as it is. */
export async function post<Data = Record<string, never>>(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  key: string,
): Promise<Answer<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body,
  });
  return (await response.json()) as Answer<Data>;
}
