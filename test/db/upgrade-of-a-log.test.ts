import { createHash, randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest';
import { openDatabase } from '../../src/cli/open-database.ts';
import { verifyTheDatabase } from '../../src/cli/verify/database.ts';
import { verifyTheExport } from '../../src/cli/verify/export.ts';
import { verifyTheBundle, verifyTheConsistency } from '../../src/cli/verify/proofs.ts';
import { verifyTheRemote } from '../../src/cli/verify/remote.ts';
import { readConfig } from '../../src/config.ts';
import { createPool } from '../../src/db/pool.ts';
import { unpackDataDirectory, writeStructureOf0044 } from '../support/old-log.ts';
import { LOG_EVENT, LOG_EVENTS } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import type { LogEventInput, TypedDocumentString } from '../support/operations/generated/graphql.ts';
import { type Program, startProgram } from '../support/process.ts';
import { onServer, urlOf } from '../support/server.ts';
import { dataOf, follow, liveAt, post, QUIET } from '../support/service.ts';

// See the README there: a log that 7af94e9 wrote, and what somebody kept outside while that version ran.
const WRITTEN = new URL('./fixtures/written-by-7af94e9/', import.meta.url);
const kept = (name: string) => fileURLToPath(new URL(name, WRITTEN));
const KEPT_CHECKPOINTS = [kept('checkpoint-1.txt'), kept('checkpoint-2.txt')];
const OLD = JSON.parse(readFileSync(kept('log.json'), 'utf8')) as {
  verifierKey: string;
  adminKey: string;
  acmeKey: string;
  provedPosition: number;
  exportLines: number;
  exportSha256: string;
  inputOfKey4: LogEventInput;
};
// What that version wrote, and what the first start adds: the upgrade, and that settings differ.
const SIZE = 303 + 2;
const FIRST_CHECKPOINT = 133;

const OLDEST = graphql(`
  query OldestEvents($filter: AuditEventFilter) {
    auditEvents(first: 5, orderBy: POSITION_ASC, filter: $filter) {
      totalCount
      edges { cursor node { position customerId } }
    }
  }
`);
const FOLLOWED = graphql(`
  subscription FollowOldLog($after: String!) {
    auditEvents(after: $after) { node { position action } }
  }
`);
const PURGE_ALL = graphql(`
  mutation PurgeOldLog {
    purgeEvents(olderThanDays: 0) { purged }
  }
`);

let folder: string;
let program: Program | undefined;
let end: () => Promise<void>;

beforeEach(() => {
  end = async () => undefined;
  folder = mkdtempSync(join(tmpdir(), 'audit-log-upgrade-'));
  vi.stubEnv('AUDIT_LOG_KEY', OLD.adminKey);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  program?.child.kill('SIGKILL');
  await program?.ended;
  await end();
  rmSync(folder, { recursive: true, force: true });
});

/** The rows of that log in a database of this server, with the key in a data directory. */
async function restoreDatabase(): Promise<Record<string, string>> {
  const url = urlOf(inject('adminUrl'), `upgrade_${randomUUID().replaceAll('-', '')}`);
  const name = new URL(url).pathname.slice(1);
  await onServer(inject('adminUrl'), `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  end = async () => {
    await onServer(inject('adminUrl'), `DROP DATABASE ${name} WITH (FORCE)`);
  };
  const pool = createPool(url, () => undefined);
  const client = await pool.connect();
  await writeStructureOf0044(client, ['s00000000', 's00000001']);
  await client.query("SET session_replication_role = 'replica'");
  await client.query(readFileSync(kept('rows.sql'), 'utf8'));
  client.release(true);
  await pool.end();
  copyFileSync(kept('signing-key.pem'), join(folder, 'signing-key.pem'));
  return { DATABASE_URL: url, DATA_DIR: folder };
}

/** The data directory of that log, as its embedded PostgreSQL left it. */
async function unpackDirectory(): Promise<Record<string, string>> {
  unpackDataDirectory(new URL('data-directory.br', WRITTEN), folder);
  return { DATA_DIR: folder };
}

async function start(environment: Record<string, string>): Promise<string> {
  program = startProgram('main.js', { ...QUIET, ADMIN_API_KEY: OLD.adminKey, ...environment });
  await program.says('Ready.');
  return /^GraphQL API and GraphiQL: (.*)\/graphql$/m.exec(program.said())?.[1] ?? '';
}

async function stop(): Promise<void> {
  program?.child.kill('SIGTERM');
  expect(await program?.ended).toMatchObject({ code: 0 });
}

/** Runs `audit-log` with the words to its end. */
async function run(environment: Record<string, string>, ...words: string[]) {
  const command = startProgram('cli/main.js', environment, words);
  const { code } = await command.ended;
  return { code, said: command.said() };
}

async function verifyDatabase(): Promise<object> {
  const checkpoint = [...KEPT_CHECKPOINTS, kept('checkpoint-acme.txt')];
  const { outcome, json } = await verifyTheDatabase({ checkpoint, key: OLD.verifierKey });
  expect({ outcome, ...json }).toMatchObject({ outcome: 'verified', findings: [] });
  return json;
}

async function readSegments(): Promise<string[]> {
  const database = await openDatabase(readConfig());
  const pool = createPool(database.url, () => undefined);
  const { rows } = await pool.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'audit_segments'::regnamespace AND relkind = 'r'",
  );
  await pool.end();
  await database.close();
  return rows.map(({ name }) => name);
}

async function expectVerifiedOutside(url: string): Promise<void> {
  const key = OLD.verifierKey;
  const whole = { key, checkpoint: KEPT_CHECKPOINTS, entries: true };
  expect(await verifyTheRemote(url, whole)).toMatchObject({ outcome: 'verified' });
  const customer = { ...whole, customer: 'acme', checkpoint: [kept('checkpoint-acme.txt')] };
  expect(await verifyTheRemote(url, customer)).toMatchObject({ outcome: 'verified' });
  const [first, second] = KEPT_CHECKPOINTS as [string, string];
  expect(await verifyTheConsistency([first, second], { key, tiles: url })).toMatchObject({
    outcome: 'verified',
    json: { sizes: [FIRST_CHECKPOINT, OLD.exportLines] },
  });
  expect(await verifyTheBundle(kept('event.tlog-proof'), { key })).toMatchObject({
    outcome: 'verified',
    json: { index: OLD.provedPosition },
  });
}

/** The data of an answer to an operation whose variables and data have types. */
async function ask<Data, Variables>(
  url: string,
  operation: TypedDocumentString<Data, Variables>,
  variables: Variables,
  key = OLD.adminKey,
): Promise<NonNullable<Data>> {
  return dataOf(await post<Data>(url, JSON.stringify({ query: operation.toString(), variables }), key));
}

const newEvent = (n: number): LogEventInput => ({
  eventType: 'DATA_UPDATE',
  action: `new ${n}`,
  customerId: n % 2 === 0 ? 'acme' : undefined,
});

test.each([
  ['database', restoreDatabase],
  ['data directory', unpackDirectory],
])(
  'a %s of the version before opens, continues, is purged and verifies',
  async (_, restore) => {
    const environment = await restore();
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const url = await start(environment);
    const oldest = await ask(url, OLDEST, {});
    expect(oldest.auditEvents.totalCount).toBe(SIZE);
    const own = await ask(url, OLDEST, {}, OLD.acmeKey);
    expect(own.auditEvents.edges.map(({ node }) => node.customerId)).toEqual(Array(5).fill('acme'));

    // The export gives the bytes that it gave to the version before, and their checkpoints.
    const file = join(folder, 'events.ndjson');
    const client = { AUDIT_LOG_URL: `${url}/graphql`, AUDIT_LOG_KEY: OLD.adminKey };
    expect((await run(client, 'export', '--format', 'ndjson', '--output', file)).code).toBe(0);
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, OLD.exportLines);
    const sha256 = createHash('sha256')
      .update(lines.map((line) => `${line}\n`).join(''))
      .digest('hex');
    expect(sha256).toBe(OLD.exportSha256);
    const given = { checkpoint: KEPT_CHECKPOINTS, key: OLD.verifierKey, ignoreNewer: true };
    expect(await verifyTheExport(file, given)).toMatchObject({
      outcome: 'verified',
      json: { lines: SIZE, heldCheckpoints: 2 },
    });

    // Old idempotency keys are known, and new events go behind the old ones, to a subscriber that goes on from one of these.
    const again = await ask(url, LOG_EVENT, { input: OLD.inputOfKey4 });
    expect(again.logEvent.status).toBe('DUPLICATE');
    const after = oldest.auditEvents.edges[4]?.cursor ?? '';
    const live = liveAt(url, OLD.adminKey);
    const positions: number[] = [];
    const inputs = Array.from({ length: 20 }, (__, n) => newEvent(n));
    expect((await ask(url, LOG_EVENTS, { input: inputs })).logEvents.recorded).toBe(20);
    for await (const { auditEvents } of follow(live, FOLLOWED, { after })) {
      positions.push(auditEvents.node.position);
      if (auditEvents.node.action === 'new 19') await ask(url, LOG_EVENT, { input: newEvent(20) });
      if (auditEvents.node.action === 'new 20') break;
    }
    await live.dispose();
    expect(positions).toEqual(Array.from({ length: SIZE + 21 - 5 }, (__, n) => n + 5));
    await expectVerifiedOutside(url);
    expect(await verifyDatabase()).toMatchObject({ size: SIZE + 21, firstPosition: 0 });

    // The first segment is full and goes as a whole; of the second the rows up to now.
    expect((await ask(url, PURGE_ALL, {})).purgeEvents.purged).toBe(SIZE + 21);
    expect(await readSegments()).toEqual(['s00000001']);
    expect((await ask(url, LOG_EVENT, { input: newEvent(21) })).logEvent.event?.position).toBe(SIZE + 22);
    await expectVerifiedOutside(url);
    const purged = { size: SIZE + 23, firstPosition: SIZE + 21, events: 2 };
    expect(await verifyDatabase()).toMatchObject(purged);
    await stop();
    expect(await verifyDatabase()).toMatchObject(purged);
  },
  120_000,
);
