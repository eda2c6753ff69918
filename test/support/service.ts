import { createClient, type Client as LiveClient } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { readConfig } from '../../src/config.ts';
import type { Extensions } from '../../src/pipeline/extensions.ts';
import { type AuditService, createAuditService } from '../../src/service.ts';
import { dataDirOf } from './database.ts';

export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789abcdef';

/** What a GraphQL answer holds. */
export interface Answer {
  data?: Record<string, never>;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/** A running service and ways to ask it. */
export interface TestService extends AuditService {
  ask(query: string, variables?: object, key?: string): Promise<Answer>;
  live(key?: string): LiveClient;
}

/** Starts the real service on a free port. */
export async function startService(
  databaseUrl: string,
  environment: Record<string, string> = {},
  extensions: Extensions = {},
): Promise<TestService> {
  const DATA_DIR = dataDirOf(databaseUrl);
  const config = readConfig({ PORT: '0', ADMIN_API_KEY: ADMIN_KEY, DATA_DIR, ...environment });
  const service = await createAuditService({
    config,
    databaseUrl,
    log: pino({ level: 'silent' }),
    ...extensions,
  });
  return {
    ...service,
    ask: (query, variables, key = ADMIN_KEY) => post(service.url, JSON.stringify({ query, variables }), key),
    live: (key = ADMIN_KEY) =>
      createClient({
        url: `${service.url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { Authorization: `Bearer ${key}` },
        retryAttempts: 0,
      }),
  };
}

/** Posts a body as it is. */
export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  key: string,
): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body,
  });
  return (await response.json()) as Answer;
}
