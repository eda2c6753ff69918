import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, inject, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { COUNT_EVENTS } from '../support/operations/events.ts';
import { IS_FULL } from '../support/runs.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

/** How soon a line of a live pipe has to be in the log. */
const SOON_MS = 2_000;
const MAIN = join(inject('built'), 'cli/main.js');

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

async function countEvents(): Promise<number> {
  return dataOf(await service.ask(COUNT_EVENTS, { filter: {} })).auditEvents.totalCount;
}

/** `audit-log import` with a pipe as its standard input. */
function startImport(format: string) {
  const child = spawn(process.execPath, [MAIN, 'import', '--format', format, '-'], {
    env: { PATH: process.env.PATH, ENV_FILE: '', AUDIT_LOG_URL: service.url, AUDIT_LOG_KEY: ADMIN_KEY },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  return { child, said: () => said, ended: once(child, 'close').then(([code]) => code as number) };
}

const FORMATS: [format: string, line: (index: number) => string][] = [
  ['ndjson', (index) => JSON.stringify({ eventType: 'DATA_READ', description: `live ${index}` })],
  ['okta', (index) => JSON.stringify({ eventType: 'zone.update', published: `2024-05-05T10:00:0${index}Z` })],
  ['github', (index) => JSON.stringify({ action: 'git.push', created_at: 1_714_903_200_000 + index })],
  [
    'cloudtrail',
    (index) => JSON.stringify({ eventName: 'CreateUser', eventTime: `2024-05-05T10:00:0${index}Z` }),
  ],
  [
    'sshd',
    (index) => `2024-07-01T10:00:0${index}Z h sshd[${index}]: Invalid user u from 192.0.2.${index} port 1`,
  ],
];

describe.each(FORMATS)('a live pipe of %s', (format, line) => {
  test('has each line in the log soon, and at SIGTERM everything that was written', async () => {
    const before = await countEvents();
    const { child, said, ended } = startImport(format);
    for (const index of [1, 2, 3]) {
      child.stdin.write(`${line(index)}\n`);
      // The first one also waits for the program to start, and a busy machine is slow.
      const timeout = index === 1 || !IS_FULL ? 20_000 : SOON_MS;
      await vi.waitFor(async () => expect(await countEvents()).toBe(before + index), {
        timeout,
        interval: 50,
      });
    }
    child.stdin.write(`${line(4)}\n${line(5)}\n${line(6).slice(0, 20)}`);
    child.kill('SIGTERM');
    expect(await ended).toBe(2);
    expect(await countEvents()).toBe(before + 5);
    expect(said()).toContain(
      'stopped: interrupted after line 5 of -; everything that was read is in the log.',
    );
  });
});

test('SIGINT ends a silent pipe at once and names where it stopped', async () => {
  const before = await countEvents();
  const { child, said, ended } = startImport('ndjson');
  child.stdin.write('{"eventType":"DATA_READ","description":"one"}\n');
  await vi.waitFor(async () => expect(await countEvents()).toBe(before + 1), {
    timeout: 20_000,
    interval: 50,
  });
  child.kill('SIGINT');
  expect(await ended).toBe(2);
  expect(said()).toContain('after line 1 of -');
});

test('a pretty-printed document that comes in parts is read too', async () => {
  const before = await countEvents();
  const { child, ended } = startImport('okta');
  const text = JSON.stringify({ eventType: 'zone.update', outcome: { result: 'SUCCESS' } }, null, 2);
  child.stdin.write(`${text}\n`);
  await vi.waitFor(async () => expect(await countEvents()).toBe(before + 1), {
    timeout: 20_000,
    interval: 50,
  });
  child.stdin.end(`${text.replace('zone.update', 'zone.create')}\n`);
  expect(await ended).toBe(0);
  expect(await countEvents()).toBe(before + 2);
});

test('a redelivered record with one more member is a duplicate that is reported, not a second event', async () => {
  const record = { eventName: 'CreateUser', eventID: '00000000-0000-4000-8000-0000000000c1' };
  const before = await countEvents();
  const first = startImport('cloudtrail');
  first.child.stdin.end(JSON.stringify(record));
  expect(await first.ended).toBe(0);
  const second = startImport('cloudtrail');
  second.child.stdin.end([{ ...record, more: 1 }, record].map((value) => JSON.stringify(value)).join('\n'));
  expect(await second.ended).toBe(0);
  expect(await countEvents()).toBe(before + 1);
  expect(second.said()).toMatch(/^- +2 +0 +2 /m);
  expect(second.said()).toContain(
    'duplicate: -:1: the source delivered the same id before with other content',
  );
});
