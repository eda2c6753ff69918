import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { makeDataDir } from './support/cluster.ts';
import { type Program, startProgram } from './support/process.ts';

let folder: string;
let dataDir: string;
let started: Program[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-main-'));
  dataDir = join(folder, 'data');
  started = [];
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

function start(
  environment: Record<string, string> = {},
  [file, ...words]: readonly [string, ...string[]] = ['main.ts'],
): Program {
  const program = startProgram(file, { DATA_DIR: dataDir, ...environment }, words);
  started.push(program);
  return program;
}

describe('with a database that does not answer', () => {
  let silent: Server;
  let DATABASE_URL: string;
  beforeEach(async () => {
    // Accepts connections and says nothing, as a database behind a broken proxy does.
    silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    DATABASE_URL = `postgresql://postgres@127.0.0.1:${port}/x`;
  });
  afterEach(() => silent.close());

  test('a signal ends with 0 all the same', async () => {
    const program = start({ DATABASE_URL });
    await once(silent, 'connection');
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
  });

  test('a signal to the shell in which npm starts it reaches it', async () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
    const command = scripts.start.replace('dist', inject('built'));
    const shell = spawn('sh', ['-c', command], { env: { ...process.env, DATABASE_URL }, stdio: 'ignore' });
    const ended = once(shell, 'exit');
    await once(silent, 'connection');
    shell.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test('a second signal ends at once, with 1', async () => {
    const program = start({ DATABASE_URL });
    await once(silent, 'connection');
    const repeated = setInterval(() => program.child.kill('SIGTERM'), 50);
    expect(await program.ended).toEqual({ code: 1, signal: null });
    clearInterval(repeated);
  });
});

test('what is wrong with the settings is said, and ends with 1', async () => {
  const program = start({ PORT: 'x', SEGMENT_BITS: '99' });
  expect(await program.ended).toEqual({ code: 1, signal: null });
  expect(program.said()).toMatch(
    /^audit log: the configuration has problems:\n {2}PORT: .*\n {2}SEGMENT_BITS: /,
  );
});

test('the key that a first start made is printed, whatever the start fails with, and once', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  makeDataDir(dataDir);
  const first = start({ PORT: String(port) });
  expect(await first.ended).toEqual({ code: 1, signal: null });
  taken.close();
  expect(first.said()).toMatch(/Admin API key, shown this once: \S{32,}\n/);
  expect(first.said()).toContain(`HOST and PORT (127.0.0.1, ${port}): listen EADDRINUSE`);
  expect(first.said()).toContain('set PORT to a free port');
  const second = start({ GRAPHIQL: 'false', PERSISTED_ONLY: 'true' });
  await second.says('Ready.');
  expect(second.said()).not.toContain('Admin API key');
  expect(second.said()).toContain('GraphQL API: http');
  second.child.kill('SIGTERM');
  await second.ended;
  expect(second.said()).toContain('PERSISTED_ONLY is true and PERSISTED_DOCUMENTS is not set');
  const third = start({ PIPELINE_MODULE: join(folder, 'none.js') });
  await third.ended;
  expect(third.said()).toContain('PIPELINE_MODULE: ');
}, 120_000);

test.each([
  [
    { DATABASE_URL: 'postgresql://postgres@127.0.0.1:1/x' },
    /DATABASE_URL: connect ECONNREFUSED .*; check that/,
  ],
  [
    { DATABASE_URL: 'postgresql://postgres@localhost:1/x' },
    /DATABASE_URL: connect ECONNREFUSED .*; check that/,
  ],
  [{ DATABASE_URL: 'mysql://x' }, /DATABASE_URL: must be an address such as postgresql:/],
])('an address of a database that is wrong is named: %j', async (environment, said) => {
  const program = start(environment);
  expect(await program.ended).toEqual({ code: 1, signal: null });
  expect(program.said()).toMatch(said);
});
