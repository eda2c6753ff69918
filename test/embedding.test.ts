import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuditService, type EventDraft, readConfig } from '../src/index.ts';
import { post } from './support/service.ts';

let DATA_DIR: string;
beforeEach(() => {
  DATA_DIR = mkdtempSync(join(tmpdir(), 'audit-log-embedding-'));
});
afterEach(() => rmSync(DATA_DIR, { recursive: true, force: true }));

test('a program that embeds the service needs no database, and adds filters, handlers and names', async () => {
  const handled: string[] = [];
  const options = {
    config: readConfig({ DATA_DIR, PORT: '0', LOG_LEVEL: 'silent' }),
    filters: [(event: Readonly<EventDraft>) => event.userId !== 'probe'],
    handlers: [{ name: 'collect', handle: (event: { action: string }) => void handled.push(event.action) }],
    redact: ['shoe_size'],
  };
  const log = 'mutation ($input: LogEventInput!) { logEvent(input: $input) { status event { details } } }';
  const service = await createAuditService(options);
  const ask = (input: object) =>
    post(service.url, JSON.stringify({ query: log, variables: { input } }), service.adminKey as string);
  const input = { eventType: 'AUTH_LOGIN', action: 'in', details: { shoeSize: 43 } };
  const recorded = { status: 'RECORDED', event: { details: { shoeSize: '[REDACTED]' } } };
  expect(await ask(input)).toEqual({ data: { logEvent: recorded } });
  expect(await ask({ ...input, userId: 'probe' })).toEqual({
    data: { logEvent: { status: 'FILTERED', event: null } },
  });
  await service.stop();
  expect(handled).toContain('in');

  const again = await createAuditService(options);
  expect(again.adminKey).toBeUndefined();
  await again.stop();
});
