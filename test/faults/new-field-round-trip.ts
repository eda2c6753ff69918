import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditEvent, type AuditEventRecord, type AuditFilter, type LogEvent } from '../../src/index.ts';
import { readCsv } from '../log/exports/csv-reader.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openTestLog } from '../support/library.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../support/service.ts';

// Run in a copy of the project in which events have a field actorName: `new-field.fault.ts` makes it. Its types do not know
// the field where this file stands.

let database: TestDatabase;
let service: TestService;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-round-trip-'));
  database = await createDatabase();
  service = await startService(database.url);
});
afterAll(async () => {
  await service.stop();
  await database.drop();
  await rm(folder, { recursive: true });
});

const ask = async (query: string, variables?: object) =>
  dataOf(await service.ask<Record<string, Record<string, unknown>>>(query, variables));
const download = async (format: string) => {
  const { auditExport } = await ask(`{ auditExport(format: ${format}) { url } }`);
  return (await fetch(String(auditExport?.url))).text();
};
const cli = async (...words: string[]) => {
  const environment = {
    DATABASE_URL: database.url,
    AUDIT_LOG_URL: `${service.url}/graphql`,
    AUDIT_LOG_KEY: ADMIN_KEY,
  };
  const program = startProgram('cli/main.js', environment, words);
  const { code } = await program.ended;
  return { code, said: program.said() };
};

test('an event with the new field, by every way in and out', async () => {
  const input = { eventType: 'DATA_READ', actorName: 'Ada Lovelace', idempotencyKey: 'a' };
  const logged = await ask(
    'mutation ($input: LogEventInput!) { logEvent(input: $input) { status event { id actorName } } }',
    { input },
  );
  const { status, event } = logged.logEvent as { status: string; event: { id: string; actorName: string } };
  expect({ status, actorName: event.actorName }).toEqual({ status: 'RECORDED', actorName: 'Ada Lovelace' });
  await ask(
    'mutation { logAuthEvent(input: { eventType: AUTH_LOGIN, actorName: "Grace Hopper" }) { status } }',
  );

  // The feed.
  const live = service.live();
  const query =
    'subscription { auditEvents(after: "beginning", filter: { actorName: "Grace Hopper" }) { node { actorName } } }';
  for await (const one of live.iterate({ query })) {
    expect(one).toMatchObject({ data: { auditEvents: { node: { actorName: 'Grace Hopper' } } } });
    break;
  }
  await live.dispose();

  // Idempotency: the same content again, and another.
  const again = await ask('mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }', {
    input,
  });
  expect(again.logEvent).toEqual({ status: 'DUPLICATE' });
  const other = await service.ask(
    'mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }',
    {
      input: { ...input, actorName: 'Charles Babbage' },
    },
  );
  expect(other.errors?.[0]?.extensions.code).toBe('CONFLICT');

  // Bounds and redaction.
  const long = await service.ask('mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }', {
    input: { ...input, actorName: 'x'.repeat(257) },
  });
  expect(long.errors?.[0]?.message).toContain('input.actorName');
  const secret = await ask(
    'mutation { logEvent(input: { eventType: DATA_READ, actorName: "password=hunter22" }) { event { actorName } } }',
  );
  expect(JSON.stringify(secret)).not.toContain('hunter22');

  // Filters and search.
  for (const filter of [
    '{ actorName: "Ada Lovelace" }',
    '{ search: "lovelace" }',
    '{ search: "\\"ada lovelace\\"" }',
  ]) {
    const { auditEvents } = await ask(`{ auditEvents(filter: ${filter}) { edges { node { actorName } } } }`);
    expect(auditEvents).toEqual({ edges: [{ node: { actorName: 'Ada Lovelace' } }] });
  }

  // Exports.
  const lines = (await download('NDJSON')).trim().split('\n');
  expect(JSON.parse(lines[0] as string)).toMatchObject({ id: event.id, actor_name: 'Ada Lovelace' });
  expect(Object.keys(JSON.parse(lines[0] as string)).slice(0, 2)).toEqual(['action', 'actor_name']);
  expect(readCsv(await download('CSV'))[0]).toMatchObject({ id: event.id, actor_name: 'Ada Lovelace' });

  // Verification, of the database and of the export.
  const verified = await cli('verify', '--json');
  expect({ code: verified.code, said: verified.said }).toMatchObject({ code: 0 });
  expect(JSON.parse(verified.said).findings).toEqual([]);

  // Import of the export into another log.
  const file = join(folder, 'export.ndjson');
  await writeFile(file, lines.join('\n'));
  const fresh = await createDatabase();
  const target = await startService(fresh.url);
  try {
    const environment = { AUDIT_LOG_URL: `${target.url}/graphql`, AUDIT_LOG_KEY: ADMIN_KEY };
    const program = startProgram('cli/main.js', environment, ['import', '--format', 'ndjson', file]);
    expect({ ...(await program.ended), said: program.said() }).toMatchObject({ code: 0 });
    const found = await target.ask(
      '{ auditEvents(filter: { actorName: "Ada Lovelace" }) { edges { node { actorName } } } }',
    );
    expect(JSON.stringify(found)).toContain('Ada Lovelace');
  } finally {
    await target.stop();
    await fresh.drop();
  }

  // The library.
  const log = await openTestLog(database.url);
  try {
    const recorded = await log.log({ eventType: 'data.read', actorName: 'Alan Turing' } as LogEvent);
    expect(recorded.event).toMatchObject({ actorName: 'Alan Turing' });
    const filter = { actorName: 'Alan Turing' } as AuditFilter;
    expect((await log.query(filter)).events).toEqual([recorded.event]);
    const record = JSON.parse(JSON.stringify(recorded.event)) as AuditEventRecord;
    expect(record).toMatchObject({ actor_name: 'Alan Turing' });
    expect(new AuditEvent(record).leafHash).toEqual(recorded.event?.leafHash);
  } finally {
    await log.close();
  }
});
