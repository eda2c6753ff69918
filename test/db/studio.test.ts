import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Program, startProgram } from '../support/process.ts';
import { onServer } from '../support/server.ts';
import { startService } from '../support/service.ts';
import { logWarnings } from '../support/write.ts';

const READER = `audit_reader_${randomBytes(6).toString('hex')}`;
let database: TestDatabase;
let studio: Program;
let url: string;

// As docs/operations.md says.
beforeAll(async () => {
  database = await createDatabase();
  const service = await startService(database.url);
  await logWarnings(service, 10, { more: { customerId: 'acme' } });
  await service.stop();
  await onServer(inject('adminUrl'), `CREATE ROLE ${READER} LOGIN PASSWORD 'reader' BYPASSRLS`);
  await onServer(inject('adminUrl'), `GRANT pg_read_all_data TO ${READER}`);
  const login = new URL(database.url);
  Object.assign(login, { username: READER, password: 'reader' });
  const environment = { DATABASE_URL: login.href, CHECKPOINT_DISABLE: '1' };
  const parameters = ['studio', '--browser', 'none', '--port', String(await freePort())];
  studio = startProgram(resolve('node_modules/prisma/build/index.js'), environment, parameters);
  await studio.says('http://localhost:');
  url = /http:\/\/localhost:\d+/.exec(studio.said())?.[0] ?? '';
});
afterAll(async () => {
  studio.child.kill();
  await studio.ended;
  await database.drop();
  await onServer(inject('adminUrl'), `DROP ROLE ${READER}`);
});

// Studio takes no port 0.
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What its page asks the program for: the error and the rows of a statement. */
async function ask(sql: string): Promise<[error: { code: string } | null, rows?: object[] | undefined]> {
  const response = await fetch(`${url}/bff`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ procedure: 'query', query: { sql, parameters: [] } }),
  });
  const [error, rows] = (await response.json()) as [{ code: string } | null, object[]?];
  return [error, rows];
}

test('Studio shows the log to a login that can only read', async () => {
  expect(await (await fetch(url)).text()).toContain('/studio.js');
  const events = 'SELECT position, action, customer_id FROM audit_events ORDER BY position DESC LIMIT 1';
  const newest = { position: '9', action: 'a9', customer_id: 'acme' };
  expect(await ask(events)).toEqual([null, [newest]]);
  expect(await ask(events.replace('audit_events', 'audit_segments.s00000000'))).toEqual([null, [newest]]);
});

test.each([
  "UPDATE service_settings SET settings = '{}'",
  'DELETE FROM audit_segments.s00000000',
  "SELECT mark_key_used('admin')",
  'TRUNCATE log_head',
])('and nothing else: %s', async (sql) => {
  const [error, rows] = await ask(sql);
  expect([error?.code, rows]).toEqual(['42501', undefined]);
});
