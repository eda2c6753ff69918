import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, inject } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { startProgram } from '../support/process.ts';
import { blocksOf } from '../support/readme.ts';
import { onServer } from '../support/server.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const [SCRIPT = ''] = blocksOf('ts', readFileSync(join(ROOT, 'docs/operations.md'), 'utf8'));
const TIMESTAMP = '2024-02-29T12:00:00.123Z';
const EVENT = `0 ${TIMESTAMP} data.read u1\n`;

let database: TestDatabase;
let service: TestService;
let checkout: string;

test.beforeAll(async ({ createDatabase, startService, later }) => {
  database = await createDatabase();
  service = await startService(database.url);
  const input = [
    { eventType: 'DATA_READ', customerId: 'acme', userId: 'u1', timestamp: TIMESTAMP },
    { eventType: 'DATA_READ', customerId: 'globex', userId: 'u2' },
  ];
  dataOf(
    await service.ask('mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }', {
      input,
    }),
  );
  // A script in a checkout, without writing to this one.
  checkout = mkdtempSync(join(tmpdir(), 'audit-log-script-'));
  later(() => rmSync(checkout, { recursive: true }));
  for (const name of ['node_modules', 'package.json', 'src', 'tsconfig.json'])
    symlinkSync(join(ROOT, name), join(checkout, name));
  writeFileSync(join(checkout, 'recent.ts'), SCRIPT);
});

async function runAs(url: string): Promise<{ code: number | null; said: string }> {
  const { ended, said } = startProgram(join(checkout, 'recent.ts'), { DATABASE_URL: url });
  const { code } = await ended;
  return { code, said: said() };
}

test('the script that reads the log shows the events of the customer, in any time zone of the database', async () => {
  expect(await runAs(database.url)).toEqual({ code: 0, said: EVENT });
  const url = new URL(database.url);
  await onServer(
    inject('adminUrl'),
    `ALTER DATABASE ${url.pathname.slice(1)} SET TimeZone = 'Asia/Kathmandu'`,
  );
  expect(await runAs(database.url)).toEqual({ code: 0, said: EVENT });
});

test.each([
  ['with BYPASSRLS', 'BYPASSRLS', 'pg_read_all_data', EVENT],
  ['that is a member of audit_log_service', '', 'audit_log_service', EVENT],
  ['that may read the tables', '', 'pg_read_all_data', ''],
])('what it shows to a login %s', async (_, attribute, granted, said) => {
  const adminUrl = inject('adminUrl');
  const login = `audit_script_${randomBytes(6).toString('hex')}`;
  await onServer(adminUrl, `CREATE ROLE ${login} LOGIN PASSWORD 'script' ${attribute}`);
  try {
    await onServer(adminUrl, `GRANT ${granted} TO ${login}`);
    const url = new URL(database.url);
    Object.assign(url, { username: login, password: 'script' });
    expect(await runAs(url.href)).toEqual({ code: 0, said });
  } finally {
    await onServer(adminUrl, `DROP ROLE ${login}`);
  }
});
