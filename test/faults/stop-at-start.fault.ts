import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isAlive } from '../../src/db/embedded/processes.ts';
import { type Program, startProgram } from '../support/process.ts';

let folder: string;
let dataDir: string;
let started: Program[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-start-'));
  dataDir = join(folder, 'data');
  started = [];
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});

function start([file, ...words]: readonly [string, ...string[]] = ['main.ts']): Program {
  const program = startProgram(file, { DATA_DIR: dataDir }, words);
  started.push(program);
  return program;
}

function names(): string[] {
  return existsSync(dataDir) ? readdirSync(dataDir).sort() : [];
}

function serverPid(): number | undefined {
  const file = join(dataDir, 'postgres', 'postmaster.pid');
  // The server writes the file in pieces.
  return existsSync(file) ? Number(/^(\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1]) || undefined : undefined;
}

const moments = [
  () => names().includes('service.lock'),
  () => names().some((name) => name.startsWith('postgres.new-')),
  () => names().includes('postgres'),
  () => serverPid() !== undefined,
];

const ends = [
  ['SIGTERM', ['main.ts']],
  ['SIGINT', ['cli/main.ts', 'serve']],
  ['SIGHUP', ['main.ts']],
] as const;

test('SIGTERM at any moment of the start ends with 0 and leaves nothing, and the next start works', async () => {
  for (const isReached of moments) {
    const program = start();
    await vi.waitFor(() => expect(isReached()).toBe(true), { timeout: 60_000, interval: 2 });
    const pid = serverPid();
    program.child.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.said()).toBe('');
    expect(pid !== undefined && isAlive(pid)).toBe(false);
    expect(names().filter((name) => !['postgres', 'postgres.password'].includes(name))).toEqual([]);
    expect(names().length).toBe(existsSync(join(dataDir, 'postgres')) ? 2 : 0);
  }
  for (const [signal, command] of ends) {
    const program = start(command);
    await program.says('Ready.');
    const pid = serverPid() as number;
    program.child.kill(signal);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(isAlive(pid)).toBe(false);
    expect(names()).not.toContain('service.lock');
  }
});
