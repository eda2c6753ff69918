import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect } from 'vitest';
import type { AuditLog } from '../../src/index.ts';
import { dataDirOf, type TestDatabase } from '../support/database.ts';
import { ADMIN_KEY } from '../support/service.ts';
import { test } from '../support/test.ts';

// The programs of examples/, each in a project of its own with the built package: Next.js takes half a minute to build.

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let database: TestDatabase;
let log: AuditLog;
let project: string;
const started: ChildProcess[] = [];

test.beforeAll(async ({ createDatabase, openTestLog }) => {
  database = await createDatabase();
  log = await openTestLog(database.url);
  await run('npm', ['run', '-s', 'build'], { cwd: ROOT });
});
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'audit-log-example-'));
});
afterEach(async () => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(project, { recursive: true, force: true });
});

/** Copies an example into the project, which has the package as it is published, and what is installed here. */
async function copyExample(name: string): Promise<void> {
  await cp(join(ROOT, 'examples', name), project, { recursive: true });
  await makeProject();
}

async function makeProject(): Promise<void> {
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const modules = join(project, 'node_modules');
  await mkdir(modules);
  for (const one of await readdir(join(ROOT, 'node_modules')))
    if (!one.startsWith('.')) await symlink(join(ROOT, 'node_modules', one), join(modules, one));
  for (const part of ['dist', 'prisma', 'package.json'])
    await cp(join(ROOT, part), join(modules, 'graphql-audit-log', part), { recursive: true });
}

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: project,
    NEXT_TELEMETRY_DISABLED: '1',
    DATABASE_URL: database.url,
    DATA_DIR: dataDirOf(database.url),
    AUDIT_ADMIN_KEY: ADMIN_KEY,
  };
}

function start(args: string[], extra: NodeJS.ProcessEnv = {}): ChildProcess {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const env = { ...environment(), ...extra };
  const child = spawn(process.execPath, args, { cwd: project, stdio: [...stdio], env });
  started.push(child);
  return child;
}

/** The first line that the program says in which the pattern is found. */
async function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (!child.stdout) throw new Error('it says nothing');
  for await (const line of createInterface(child.stdout)) if (pattern.test(line)) return line;
  throw new Error(`the example ended before it said ${pattern}`);
}

async function stop(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit');
  child.stdout?.resume();
  child.kill('SIGTERM');
  const [code] = await exited;
  return code;
}

async function postJson(url: string, body: object, headers = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

const authorization = { authorization: `Bearer ${ADMIN_KEY}` };

test('the Express app records, reads, serves the API, and ends on SIGTERM', async () => {
  await copyExample('express');
  const app = start(['server.js'], { PORT: '0' });
  const api = await lineOf(app, /^http/);
  const login = new URL('/login', api).href;
  expect(await postJson(login, { user: 'alice', password: 'wrong' })).toMatchObject({ status: 401 });
  expect((await postJson(login, { user: 'alice', password: 'correct horse' })).status).toBe(200);
  const { events } = await log.query({ userId: 'alice' }, { order: 'position_asc' });
  expect(events.map(({ eventType }) => eventType)).toEqual(['auth.login_failed', 'auth.login']);
  expect(events[0]?.details).toEqual({ body: { user: 'alice', password: '[REDACTED]' } });
  await log.logMany(['acme', 'other'].map((customerId) => ({ eventType: 'data.read', customerId })));
  const history = await (await fetch(new URL('/customers/acme/history', api))).json();
  expect(history.map((event: { customer_id: string }) => event.customer_id)).toEqual(['acme']);
  const query = '{ auditEvents(filter: { userId: "alice" }) { totalCount } }';
  expect(await postJson(api, { query }, authorization)).toEqual({
    status: 200,
    body: { data: { auditEvents: { totalCount: 2 } } },
  });
  expect(await stop(app)).toBe(0);
});

test('the worker tells every alert once, also what happened while it was not running', async () => {
  await copyExample('worker');
  const alert = (userId: string) =>
    log.log({ eventType: 'security.alert', severity: 'critical', userId, description: 'a port scan' });
  await alert('before');
  const first = start(['worker.js']);
  expect(await lineOf(first, /critical/)).toBe('critical: security.alert by before: a port scan');
  expect(await stop(first)).toBe(0);
  expect(await readFile(join(project, 'cursor.txt'), 'utf8')).not.toBe('');
  await alert('between');
  const second = start(['worker.js']);
  expect(await lineOf(second, /critical/)).toBe('critical: security.alert by between: a port scan');
  expect(await stop(second)).toBe(0);
});

test('the first program of docs/library.md runs in an empty project, on a database of its own', async () => {
  await makeProject();
  // Whatever account PostgreSQL runs under has to get through.
  await chmod(project, 0o755);
  const text = await readFile(join(ROOT, 'docs/library.md'), 'utf8');
  const [, program = ''] = /```js\n(\/\/ first\.mjs\n[\s\S]*?)```/.exec(text) ?? [];
  await writeFile(join(project, 'first.mjs'), program);
  const said = await run(process.execPath, ['first.mjs'], { cwd: project, env: { PATH: process.env.PATH } });
  const [second, first, ...others] = said.stdout.trim().split('\n');
  expect(second).toMatch(/info data\.update bob \{ plan: 'pro', password: '\[REDACTED\]' \}$/);
  expect(first).toMatch(/warning auth\.login_failed alice \{\}$/);
  expect([others, said.stderr]).toEqual([[], '']);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

test('the Next.js app records, renders, serves the API and its subscriptions', async () => {
  await copyExample('nextjs');
  const next = join(ROOT, 'node_modules/next/dist/bin/next');
  await run(process.execPath, [next, 'build'], { cwd: project, env: environment() });
  const port = await freePort();
  const app = start([next, 'start', '--hostname', '127.0.0.1', '--port', String(port)]);
  await lineOf(app, /Ready/);
  app.stdout?.resume();
  const url = `http://127.0.0.1:${port}`;
  const { body } = await postJson(`${url}/orders`, { id: 'order-17', customerId: 'acme' });
  const recorded = (body as { recorded: string }).recorded;
  expect((await log.get(recorded))?.newValues).toEqual({ id: 'order-17', customerId: 'acme' });
  expect(await (await fetch(url)).text()).toContain('order-17');
  const api = `${url}/audit/graphql`;
  const query = `{ auditEvent(id: "${recorded}") { resourceId } }`;
  expect(await postJson(api, { query }, authorization)).toEqual({
    status: 200,
    body: { data: { auditEvent: { resourceId: 'order-17' } } },
  });
  const subscription = 'subscription { auditEvents(after: "beginning") { node { resourceId } } }';
  const stream = await fetch(`${api}?query=${encodeURIComponent(subscription)}`, {
    headers: { accept: 'text/event-stream', ...authorization },
  });
  let text = '';
  for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.includes('order-17')) break;
  }
  expect(text).toContain('"resourceId":"order-17"');
});
