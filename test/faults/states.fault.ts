import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isAlive } from '../../src/db/embedded/processes.ts';
import { exportLink, knockAll } from '../support/doors.ts';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts';
import { type Program, startProgram } from '../support/process.ts';
import { ADMIN_KEY, startService, type TestService } from '../support/service.ts';
import { upTo } from '../support/write.ts';

// Walks through the table of states in docs/operations.md.

/** The states in the table that other tests walk through. */
const ELSEWHERE: Record<string, string> = {
  'another instance holds the head and says nothing': 'test/faults/silent-holder.fault.ts',
  'the network to the database is silent': 'test/faults/silent-database.fault.ts',
  'the LISTEN connection is silent': 'test/faults/silent-database.fault.ts',
  "the instance's clock is wrong": 'test/log/retention',
};
const walked = new Set<string>();

/** Names the state of the table that a test walks through. */
function state(name: string, work: () => Promise<void>, isPossible = true): void {
  walked.add(name);
  test.runIf(isPossible)(name, work);
}

const LOG_MANY = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';

interface Ready {
  status: number;
  text: string;
}

async function ready(url: string): Promise<Ready> {
  const asked = performance.now();
  const response = await fetch(`${url}/health/ready`);
  const text = await response.text();
  expect(performance.now() - asked, 'readiness answers within two seconds').toBeLessThan(2_500);
  return { status: response.status, text };
}

const untilReady = (url: string, ms = 20_000) =>
  expect.poll(async () => (await ready(url)).status, { timeout: ms, interval: 20 }).toBe(200);
const untilNotReady = (url: string, text: string, ms = 5_000) =>
  expect.poll(async () => (await ready(url)).text, { timeout: ms, interval: 20 }).toContain(text);

/** Asks at every door; what is not served must be coded. Returns the codes. */
async function codesAt(url: string, link: string): Promise<string[]> {
  const all = await knockAll(url, link);
  const codes = all.map(({ code }) => code).filter((code) => code !== undefined);
  const expected = ['UNAVAILABLE', 'OVERLOADED', 'UNAUTHENTICATED', 'Forbidden', 'NOT_FOUND'];
  expect(codes.filter((code) => !expected.includes(code))).toEqual([]);
  const coded = all.filter(({ code }) => code === 'UNAVAILABLE' || code === 'OVERLOADED');
  expect(coded.filter(({ saysWhen }) => !saysWhen)).toEqual([]);
  return codes;
}

/** Records a batch; undefined when it was recorded, else the code. */
async function write(service: TestService): Promise<string | undefined> {
  const details = { text: 'x'.repeat(500) };
  const input = upTo(500).map(() => ({ eventType: 'DATA_READ', action: 'state', details }));
  const { errors } = await service.ask(LOG_MANY, { input });
  const { code, retryAfterMs } = errors?.[0]?.extensions ?? {};
  if (code !== undefined) expect(retryAfterMs).toBeGreaterThan(0);
  return code as string | undefined;
}

describe('on a PostgreSQL of its own', () => {
  let postgres: OwnPostgres;
  let admin: pg.Client;
  let service: TestService;
  let link: string;

  async function connectAdmin(): Promise<void> {
    admin = new pg.Client({ connectionString: postgres.url });
    admin.on('error', () => undefined);
    await admin.connect();
  }

  beforeAll(async () => {
    postgres = await startOwnPostgres({
      max_connections: '40',
      superuser_reserved_connections: '0',
      fsync: 'off',
    });
    service = await startService(postgres.url, { RATE_LIMIT: '0', AUTH_FAILURES: '0' });
    expect(await write(service)).toBeUndefined();
    link = await exportLink(service.url);
    await connectAdmin();
  });
  afterAll(async () => {
    await admin.end().catch(() => undefined);
    await service.stop();
    await postgres.remove();
  });

  state('PostgreSQL is stopped', async () => {
    await postgres.stop();
    await untilNotReady(service.url, 'the database does not answer');
    expect(await codesAt(service.url, link)).toContain('UNAVAILABLE');
    expect(await write(service)).toBe('UNAVAILABLE');
    await postgres.start();
    await untilReady(service.url);
    expect(await write(service)).toBeUndefined();
  });

  state('PostgreSQL is killed and recovers', async () => {
    await postgres.kill();
    await untilNotReady(service.url, 'the database does not answer');
    expect(await write(service)).toBe('UNAVAILABLE');
    await postgres.start();
    await untilReady(service.url);
    expect(await write(service)).toBeUndefined();
    await connectAdmin();
  });

  state('PostgreSQL takes no further connection', async () => {
    const held: pg.Client[] = [];
    const hold = async () => {
      const client = new pg.Client({ connectionString: postgres.url });
      client.on('error', () => undefined);
      await client.connect();
      held.push(client);
    };
    await expect
      .poll(
        () =>
          hold()
            .then(() => hold())
            .catch((error) => error.code),
        { timeout: 60_000, interval: 1 },
      )
      .toBe('53300');
    await untilNotReady(service.url, 'the database has no connection left', 20_000);
    await codesAt(service.url, link);
    await Promise.all(held.map((client) => client.end()));
    await untilReady(service.url);
    expect(await write(service)).toBeUndefined();
  });

  state('the database is read-only', async () => {
    await admin.query('ALTER SYSTEM SET default_transaction_read_only = on');
    await admin.query('SELECT pg_reload_conf()');
    await expect.poll(() => write(service), { timeout: 10_000 }).toBe('UNAVAILABLE');
    await untilNotReady(service.url, 'the database cannot store anything');
    await admin.query('SET default_transaction_read_only = off');
    await admin.query('ALTER SYSTEM RESET default_transaction_read_only');
    await admin.query('SELECT pg_reload_conf()');
    await untilReady(service.url);
    await expect.poll(() => write(service), { timeout: 10_000 }).toBeUndefined();
  });

  state('PostgreSQL refuses the login', async () => {
    const { password } = new URL(postgres.url);
    await admin.query("ALTER ROLE postgres PASSWORD 'another'");
    await untilNotReady(service.url, 'the database refuses the service');
    await codesAt(service.url, link);
    await admin.query(`ALTER ROLE postgres PASSWORD '${password}'`);
    await untilReady(service.url);
    expect(await write(service)).toBeUndefined();
  });
});

// A file system of its own needs the right to mount one.
const folder = mkdtempSync(join(tmpdir(), 'audit-log-states-'));
// The user as whom PostgreSQL runs has to enter it.
chmodSync(folder, 0o755);
const disk = join(folder, 'disk');
mkdirSync(disk);
const canMount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]).status === 0;

describe('on a small disk', () => {
  let postgres: OwnPostgres | undefined;
  let service: TestService | undefined;
  afterAll(async () => {
    await service?.stop();
    await postgres?.remove();
    if (canMount) spawnSync('umount', [disk]);
    rmSync(folder, { recursive: true, force: true });
  });

  state(
    "the database's disk is full",
    async () => {
      postgres = await startOwnPostgres({ fsync: 'off' });
      const place = join(disk, 'space');
      mkdirSync(place);
      const { uid, gid } = statSync(postgres.directory);
      for (const path of [disk, place]) chownSync(path, uid, gid);
      const admin = new pg.Client({ connectionString: postgres.url });
      admin.on('error', () => undefined);
      await admin.connect();
      await admin.query(`CREATE TABLESPACE small LOCATION '${place}'`);
      await admin.query('CREATE DATABASE small TABLESPACE small');
      await admin.end();
      const url = new URL(postgres.url);
      url.pathname = '/small';
      const small = await startService(url.href, { RATE_LIMIT: '0', AUTH_FAILURES: '0' });
      service = small;
      expect(await write(small)).toBeUndefined();
      const link = await exportLink(small.url);
      fill(join(disk, 'filler'));
      // The pages that are there take some more.
      await expect.poll(() => write(small), { timeout: 60_000, interval: 1 }).toBe('UNAVAILABLE');
      await untilNotReady(small.url, 'the database cannot store anything');
      await codesAt(small.url, link);
      const page = await small.ask('{ auditEvents(first: 5) { edges { cursor } } }');
      expect(page.errors, 'reads go on').toBeUndefined();
      rmSync(join(disk, 'filler'));
      await untilReady(small.url);
      await expect.poll(() => write(small), { timeout: 20_000 }).toBeUndefined();
    },
    canMount,
  );
});

/** Writes a file until the file system is full. */
function fill(path: string): void {
  const piece = Buffer.alloc(65_536, 1);
  for (;;) {
    try {
      writeFileSync(path, piece, { flag: 'a' });
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      return;
    }
  }
}

describe('with the embedded PostgreSQL', () => {
  let dataDir: string;
  let program: Program;
  let url: string;

  const serverPid = () => {
    const file = join(dataDir, 'postgres', 'postmaster.pid');
    return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined;
  };

  async function start(): Promise<void> {
    dataDir = mkdtempSync(join(tmpdir(), 'audit-log-states-embedded-'));
    program = startProgram('main.ts', { DATA_DIR: dataDir, ADMIN_API_KEY: ADMIN_KEY, RATE_LIMIT: '0' });
    await program.says('Ready.');
    url = /http:\/\/[\d.]+:\d+/.exec(program.said())?.[0] ?? '';
  }
  afterEach(async () => {
    program.child.kill('SIGKILL');
    await program.ended;
    const pid = serverPid();
    if (pid && isAlive(pid)) process.kill(pid, 'SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  });

  state('the embedded PostgreSQL ends', async () => {
    await start();
    const link = await exportLink(url);
    for (const _ of upTo(3)) {
      const asking = knockAll(url, link);
      process.kill(serverPid() as number, 'SIGKILL');
      const told = await asking;
      expect(
        told.filter(({ code, saysWhen }) => code === 'INTERNAL' || (code === 'UNAVAILABLE' && !saysWhen)),
      ).toEqual([]);
      await untilReady(url, 60_000);
    }
    process.kill(serverPid() as number, 'SIGKILL');
    await program.says('ended by itself and is started again');
    program.child.kill('SIGTERM');
    expect(await program.ended, 'SIGTERM while it is started again').toEqual({ code: 0, signal: null });
    expect(existsSync(join(dataDir, 'service.lock'))).toBe(false);
  });

  state('the data directory of the embedded PostgreSQL is gone', async () => {
    await start();
    const pid = serverPid() as number;
    rmSync(dataDir, { recursive: true, force: true });
    process.kill(pid, 'SIGKILL');
    await program.says('and does not make a new one');
    await untilNotReady(url, 'the database does not answer');
    expect(existsSync(dataDir)).toBe(false);
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
  });
});

test('docs/operations.md lists these states and no others', () => {
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('## States'), text.indexOf('## What ends the service'));
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  const listed = rows.slice(2).map((row) => row.split('|')[1]?.trim());
  expect(listed.sort()).toEqual([...walked, ...Object.keys(ELSEWHERE)].sort());
});
