import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSecret } from '../../src/auth/api-keys.ts';
import { type EmbeddedServer, startEmbedded } from '../../src/db/embedded/server.ts';
import { Dice } from '../events/redact/dice.ts';
import { IN_CONTEXT, KINDS } from '../events/redact/secrets.ts';
import { makeDataDir } from '../support/cluster.ts';
import { CREATE_KEY, EXPORT_LINK } from '../support/operations/events.ts';
import { IS_FULL } from '../support/runs.ts';
import { ADMIN_KEY, type Answer, dataOf, startService, type TestService } from '../support/service.ts';
import { filesBelow, Needles, tellingPart } from './needles.ts';

// Put beside the secrets, to see that whoever looks for them would find them.
const CANARY = 'canarybird4711';
const MAX_TEXT = 256;
const MIN_TELLING = 10;

const folder = mkdtempSync(join(tmpdir(), 'audit-log-planted-'));
const dice = new Dice(6);
const planted = new Set<string>();
const said: string[] = [];
let server: EmbeddedServer;
let service: TestService;

beforeAll(async () => {
  makeDataDir(join(folder, 'data'));
  server = await startEmbedded({
    dataDir: join(folder, 'data'),
    log: (line) => said.push(line),
    settings: { fsync: 'off', wal_compression: 'off', log_statement: 'ddl' },
  });
  const log = pino({ level: 'trace' }, { write: (line: string) => said.push(line) });
  const environment = { LOG_EVENTS: 'debug', ANCHOR_FILE: join(folder, 'data', 'anchors') };
  service = await startService(server.connectionString, environment, {
    log,
    handlers: [{ name: 'listener', handle: (event) => void said.push(JSON.stringify(event)) }],
  });
}, 240_000);

afterAll(async () => {
  await service.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Sample {
  /** With the secret in it. */
  text: string;
  secret: string;
}

/** One sample of each kind, different ones at each call. */
function samples(): Sample[] {
  const tokens = KINDS.map(({ make }) => {
    const secret = make(dice);
    return { text: secret, secret };
  });
  const inContext = IN_CONTEXT.map(({ make }) => {
    const labelled = make(dice);
    return { text: labelled.replace(/[⟦⟧]/g, ''), secret: /⟦(.*?)⟧/s.exec(labelled)?.[1] ?? '' };
  });
  // Four digits would be found everywhere.
  const all = [...tokens, ...inContext].filter(({ secret }) => tellingPart(secret).length >= MIN_TELLING);
  for (const { secret } of all) planted.add(tellingPart(secret));
  return all;
}

function objectWith(text: string): object {
  return { [text]: 1, note: text, list: [{ deep: { er: [text, `${CANARY} ${text}`] } }], password: text };
}

/** The fields that every mutation has. */
function fieldsWith(text: string): object {
  const details = objectWith(text);
  if (text.length > MAX_TEXT) return { details, userAgent: text };
  const ids = { userId: text, sessionId: text, requestId: text, idempotencyKey: text };
  return { ...ids, userAgent: `${CANARY} ${text}`, details };
}

async function sendAll(mutation: string, type: string, inputs: object[]): Promise<void> {
  const text = `mutation ($input: ${type}!) { ${mutation}(input: $input) { status } }`;
  for (let at = 0; at < inputs.length; at += 16) {
    const answers = await Promise.all(inputs.slice(at, at + 16).map((input) => service.ask(text, { input })));
    for (const answer of answers) expect(answer).toEqual({ data: { [mutation]: { status: 'RECORDED' } } });
  }
}

test('secrets sent through every mutation and field, and where they are refused', async () => {
  const wide = samples().map(({ text }) => ({
    ...fieldsWith(text),
    eventType: 'SECURITY_ALERT',
    severity: 'WARNING',
    ...(text.length > MAX_TEXT ? {} : { resourceType: text, action: text }),
    resourceId: text.slice(0, 1_024),
    description: `${CANARY} ${text}`.slice(0, 2_000),
    oldValues: objectWith(text),
    newValues: objectWith(text),
  }));
  const batch = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
  expect(await service.ask(batch, { input: wide })).toEqual({
    data: { logEvents: { recorded: wide.length } },
  });
  // Each mutation gets every kind in `npm run test:laws`, and a quarter of the kinds, each another one, in `npm test`.
  let mutations = 0;
  const one = (more: (text: string) => object) => {
    mutations += 1;
    return samples()
      .filter((_, kind) => IS_FULL || (kind + mutations) % 4 === 0)
      .map(({ text }) => ({ ...fieldsWith(text), ...more(text) }));
  };
  const short = (text: string) => (text.length > MAX_TEXT ? 'thing' : text);
  await sendAll(
    'logEvent',
    'LogEventInput',
    one((text) => ({ eventType: 'DATA_READ', description: text })),
  );
  await sendAll(
    'logAuthEvent',
    'LogAuthEventInput',
    one(() => ({ eventType: 'AUTH_LOGIN', success: false })),
  );
  await sendAll(
    'logDataEvent',
    'LogDataEventInput',
    one((text) => ({
      action: 'UPDATE',
      resourceType: short(text),
      resourceId: short(text),
      newValues: objectWith(text),
    })),
  );
  await sendAll(
    'logSecurityEvent',
    'LogSecurityEventInput',
    one((text) => ({ eventType: 'SECURITY_THREAT_DETECTED', severity: 'CRITICAL', description: text })),
  );
  await refused();
}, 300_000);

// What is not recorded must not be logged either.
async function refused(): Promise<void> {
  const codes = async (answer: Promise<Answer<unknown>>) =>
    (await answer).errors?.map(({ extensions }) => extensions.code);
  const log = 'mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }';
  for (const { text } of samples().filter((_, index) => index % 8 === 0)) {
    const input = { eventType: 'DATA_READ', action: 'a' };
    const quoted = JSON.stringify(text);
    const asked = [
      service.ask(log, { input: { ...input, ipAddress: text } }),
      service.ask(log, { input: { ...input, timestamp: text } }),
      service.ask(log, { input: { ...input, eventType: text } }),
      service.ask(log, { input: { ...input, [text]: text } }),
      service.ask(`mutation { logEvent(input: ${quoted}) { status } }`),
      service.ask(`{ auditEvents(first: ${quoted}) { totalCount } } ${text}`),
      service.ask(`{ auditEvents(after: ${quoted}) { totalCount } }`),
    ];
    for (const answer of asked) expect(await codes(answer)).toContain('BAD_USER_INPUT');
    const create = `mutation { createApiKey(name: ${quoted}, scopes: [ADMIN]) { secret } }`;
    if (!/^[\d -]+$/.test(text) && !text.startsWith('DE'))
      expect(await codes(service.ask(create))).toEqual(['BAD_USER_INPUT']);
    // Asking for one is allowed, and finds nothing.
    const filter = { userId: text, search: text, details: { note: text } };
    const read = 'query ($filter: AuditEventFilter) { auditEvents(filter: $filter) { totalCount } }';
    expect(await service.ask(read, { filter })).toEqual({ data: { auditEvents: { totalCount: 0 } } });
  }
  await inHeaders();
  const jwts = samples().filter(({ text }) => text.startsWith('eyJ'));
  const wrongKeys = [...Array.from({ length: 4 }, createSecret), ...jwts.map(({ text }) => text)];
  for (const key of wrongKeys) {
    planted.add(tellingPart(key));
    expect(await codes(service.ask('{ __typename }', {}, key))).toEqual(['UNAUTHENTICATED']);
  }
}

// Whatever is recorded of who asks.
async function inHeaders(): Promise<void> {
  for (const { text } of samples().filter(({ text }) => /^[\x20-\x7e]{1,256}$/.test(text))) {
    const headers = {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/json',
      'user-agent': text,
      'x-request-id': text,
      'x-forwarded-for': text,
      cookie: text,
    };
    const body = JSON.stringify({ query: '{ auditEvents(first: 1) { totalCount } }' });
    const url = `${service.url}/graphql?access_token=${encodeURIComponent(text)}`;
    await (await fetch(url, { method: 'POST', headers, body })).text();
  }
}

test('the keys of the service itself: created, used, revoked', async () => {
  const { secret, key } = dataOf(
    await service.ask(CREATE_KEY, { name: 'k', scopes: ['EVENTS_READ'] }),
  ).createApiKey;
  expect((await service.ask('{ auditEvents(first: 1) { totalCount } }', {}, secret)).errors).toBeUndefined();
  await service.ask(`mutation { revokeApiKey(id: "${key.id}") { id } }`);
  for (const known of [secret, ADMIN_KEY, new URL(server.connectionString).password])
    planted.add(tellingPart(known));
});

const FIELDS =
  'eventType userId sessionId requestId userAgent resourceType resourceId action description details oldValues newValues';

test('no reader is shown one: page, feed, summary, export, handler', async () => {
  const needles = new Needles([...planted, CANARY]);
  const shown: Record<string, string> = {};
  const page = `{ auditEvents(first: 1000) { edges { node { ${FIELDS} } } } }`;
  const { auditEvents } = dataOf(await service.ask<{ auditEvents: { edges: object[] } }>(page));
  shown.page = JSON.stringify(auditEvents);
  shown.summary = JSON.stringify(
    await service.ask(
      '{ auditSummary { topUsers(first: 100) { value } topResources(first: 100) { value } } }',
    ),
  );
  for (const format of ['JSON', 'CSV', 'NDJSON'] as const) {
    const { url } = dataOf(await service.ask(EXPORT_LINK, { format })).auditExport;
    shown[format] = await (await fetch(url)).text();
  }
  shown.feed = await feedText(auditEvents.edges.length);
  for (const [name, text] of Object.entries(shown)) {
    const found = needles.in(Buffer.from(text));
    expect(found.delete(CANARY), `${name} shows events`).toBe(name !== 'summary');
    expect([...found], name).toEqual([]);
  }
});

/** The first events of the feed. */
async function feedText(count: number): Promise<string> {
  const client = service.live();
  const query = `subscription { auditEvents(after: "beginning") { node { ${FIELDS} } } }`;
  const texts: string[] = [];
  for await (const message of client.iterate({ query })) {
    texts.push(JSON.stringify(message));
    if (texts.length === count) break;
  }
  await client.dispose();
  return texts.join('\n');
}

test('no table, index, file of the database or log line holds one', async () => {
  const needles = new Needles([...planted, CANARY]);
  const pool = new Pool({ connectionString: server.connectionString });
  const { rows: tables } = await pool.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'`,
  );
  const holding: string[] = [];
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    const found = needles.in(Buffer.from(rows.map(({ row }) => row).join('\n')));
    if (found.delete(CANARY)) holding.push(name);
    expect([...found], name).toEqual([]);
  }
  expect(holding.join()).toContain('audit');
  await pool.query('CHECKPOINT');
  await pool.end();

  const found = new Map<string, string[]>();
  for await (const { path, bytes } of filesBelow(join(folder, 'data')))
    for (const text of needles.in(bytes)) found.set(text, [...(found.get(text) ?? []), path]);
  const canaries = found.get(CANARY) ?? [];
  expect(canaries.some((path) => path.includes('/pg_wal/'))).toBe(true);
  expect(canaries.some((path) => path.includes('/base/'))).toBe(true);
  found.delete(CANARY);
  // The one place where the password of the database is kept.
  const password = tellingPart(new URL(server.connectionString).password);
  expect(found.get(password)).toEqual([join(folder, 'data', 'postgres.password')]);
  found.delete(password);
  expect(Object.fromEntries(found)).toEqual({});

  const lines = needles.in(Buffer.from(said.join('\n')));
  expect(lines.delete(CANARY)).toBe(true);
  expect([...lines]).toEqual([]);
}, 120_000);
