import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { KEY, type LogServer, startLogServer } from './log-server.ts';

let log: LogServer;
let folder: string;
beforeEach(async () => {
  log = await startLogServer();
  folder = await mkdtemp(join(tmpdir(), 'audit-log-'));
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

const MAIN = join(inject('built'), 'cli/main.js');
const SAMPLES = new URL('samples/', import.meta.url).pathname;

/** Runs the program as a process of its own, as its user does. */
function auditLog(arguments_: string[], options: { stdin?: Buffer; key?: string } = {}) {
  const environment = { ...process.env, AUDIT_LOG_URL: log.url, AUDIT_LOG_KEY: options.key ?? KEY };
  const child = spawn(process.execPath, [MAIN, ...arguments_], { env: environment });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(options.stdin ?? '');
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('audit-log import', () => {
  it('imports a file, then nothing from the same bytes on standard input, and tells what it could not map', async () => {
    const path = join(SAMPLES, 'auth.log');
    const first = await auditLog(['import', '--format', 'sshd', '--year', '2024', path]);
    expect(first.code).toBe(1);
    expect(first.stdout).toMatch(/auth\.log\s+14\s+10\s+0\s+0\s+4\s+0/);
    expect(first.stdout).toContain(`unmapped: ${path}:12: a line of CRON, not of sshd`);
    const again = await auditLog(['import', '--format', 'sshd', '--year', '2024', '-'], {
      stdin: await readFile(path),
    });
    expect(again.stdout).toMatch(/-\s+14\s+0\s+10\s+0\s+4\s+0/);
    expect(log.events).toHaveLength(10);
  });

  it('ends with 0 when everything is in the log, and with 2 and advice when it cannot begin', async () => {
    await writeFile(join(folder, 'a.jsonl'), '{"action":"git.push"}\n');
    expect(await auditLog(['import', '--format', 'github', folder])).toMatchObject({ code: 0 });
    const keyless = await auditLog(['import', '--format', 'github', folder], { key: '' });
    expect(keyless).toMatchObject({ code: 2, stderr: expect.stringContaining('AUDIT_LOG_KEY is not set') });
    const refused = await auditLog(['import', '--format', 'github', folder], { key: 'wrong' });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('refused the key') });
    const nothing = await auditLog(['import', '--format', 'github', join(folder, 'none')]);
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('no such file') });
  });

  it('says of a dry run that it sent nothing, and gives no cause for alarm', async () => {
    await writeFile(join(folder, 'a.jsonl'), '{"action":"git.push"}\n');
    const dry = await auditLog(['import', '--format', 'github', '--dry-run', folder]);
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('dry run, so not sent: 1 events') });
    expect(dry.stdout).not.toContain('without an answer');
    expect(log.events).toHaveLength(0);
  });
});

describe('audit-log export', () => {
  it('streams the signed link to standard output or a file', async () => {
    log.exported = '{"event_type":"data.read","id":"audit_1"}\n';
    const shown = await auditLog(['export', '--filter', '{"userId":"ada"}']);
    expect(shown).toMatchObject({ code: 0, stdout: log.exported });
    expect(log.exportVariables).toEqual({ format: 'NDJSON', filter: { userId: 'ada' } });
    const output = join(folder, 'events.csv');
    expect(await auditLog(['export', '--format', 'csv', '--output', output])).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(await readFile(output, 'utf8')).toBe(log.exported);
    expect(await readdir(folder)).toEqual(['events.csv']);
    expect(log.exportVariables).toEqual({ format: 'CSV', filter: null });
  });

  it('refuses a filter that is no JSON object', async () => {
    const refused = await auditLog(['export', '--filter', '[1]']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('not a JSON object') });
  });
});

describe('arguments that are wrong', () => {
  it.each([
    [2, ['import', '--format', 'none', 'x']],
    [2, ['import', 'x']],
    [2, ['export', '--format', 'xml']],
    [2, ['prove', 'growth', '1']],
    [2, ['keys', 'create', '--name', 'x', '--scope', 'none']],
    [2, ['nonsense']],
    [1, ['verify', 'export']],
    [0, ['import', '--help']],
    [0, ['verify', '--help']],
  ])('end with %i: %j', async (code, words) => {
    expect(await auditLog(words)).toMatchObject({ code });
  });
});
