import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect } from 'vitest';
import { dataDirOf, type TestDatabase } from '../support/database.ts';
import { test } from '../support/test.ts';

// The package as npm packs it, in an empty project. It is built and installed, which takes most of a minute.

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let project: string;
let database: TestDatabase;

test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
  project = await mkdtemp(join(tmpdir(), 'audit-log-package-'));
  await run('npm', ['run', '-s', 'build'], { cwd: ROOT });
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: ROOT });
  const [tarball = ''] = await readdir(project);
  await writeFile(join(project, 'package.json'), '{ "name": "empty", "private": true }');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags, `./${tarball}`, '@types/node@20'], { cwd: project });
});
afterAll(async () => {
  await rm(project, { recursive: true, force: true });
});

const BODY = `
  const log = await createAuditLog({ databaseUrl: process.argv[2], dataDir: process.argv[3], settings: { META_AUDIT: 'none' } });
  const { event } = await log.log({ eventType: 'auth.login', userId: 'packed' });
  const { events } = await log.query({ userId: 'packed' }, { limit: 1 });
  const proof = await log.prove(event.id);
  const isIn = leafHash(new TextEncoder().encode(event.toCanonicalJson())).every((byte, at) => byte === event.leafHash[at]);
  console.log(JSON.stringify([events[0].id === event.id, isIn, proof.leafIndex === event.position]));
  await log.close();
`;
const PROGRAMS = {
  'program.mjs': `import { createAuditLog } from 'graphql-audit-log';
import { leafHash } from 'graphql-audit-log/merkle';${BODY}`,
  'program.cjs': `const { createAuditLog } = require('graphql-audit-log');
const { leafHash } = require('graphql-audit-log/merkle');
(async () => {${BODY}})();`,
};

test.each(Object.entries(PROGRAMS))('%s of ten lines runs and says nothing else', async (name, source) => {
  await writeFile(join(project, name), source);
  const { stdout, stderr } = await run('node', [name, database.url, dataDirOf(database.url)], {
    cwd: project,
  });
  expect([stdout.trim(), stderr]).toEqual(['[true,true,true]', '']);
});

// zod keeps its registry in two names of its own.
test('the import changes nothing for the program: no listener, no timer, no parser of pg', async () => {
  const source = `
    import { createRequire } from 'node:module';
    const pg = createRequire(createRequire(import.meta.url).resolve('graphql-audit-log'))('pg');
    const state = () => JSON.stringify([process.eventNames().length, Object.keys(globalThis).filter((name) => !name.startsWith('__zod')), process.env,
      process.getActiveResourcesInfo(), typeof pg.types.getTypeParser(20)('1'), typeof pg.types.getTypeParser(1184)('2026-01-01 00:00:00+00')]);
    const before = state();
    await import('graphql-audit-log');
    console.log(state() === before ? 'the same' : before + state());`;
  await writeFile(join(project, 'effects.mjs'), source);
  const { stdout } = await run('node', ['effects.mjs'], { cwd: project });
  expect(stdout.trim()).toBe('the same');
});

const TYPED = `
const input: LogEvent = { eventType: 'auth.login', severity: 'info', details: { attempt: 1 } };
// @ts-expect-error: no severity
const wrong: LogEvent = { eventType: 'auth.login', severity: 'loud' };
export async function record(log: AuditLog): Promise<AuditEvent | undefined> {
  const { event } = await log.log(input);
  for await (const next of log.follow({ minSeverity: 'warning' })) return new AuditEvent(next.toJSON());
  log.addHandler((handled) => console.log(handled.toJSON().event_type, handled.leafHash.length, wrong));
  const hash: Uint8Array = leafHash(new Uint8Array());
  return hash.length > 0 ? event : undefined;
}
export const opened: Promise<AuditLog> = createAuditLog({ settings: { RETENTION_DAYS: 365 } });
`;
const TYPED_PROGRAMS = {
  'typed.mts': `import { AuditEvent, type AuditLog, createAuditLog, type LogEvent } from 'graphql-audit-log';
import { leafHash } from 'graphql-audit-log/merkle';${TYPED}`,
  'typed.cts': `import { AuditEvent, type AuditLog, createAuditLog, type LogEvent } from 'graphql-audit-log';
import { leafHash } from 'graphql-audit-log/merkle';${TYPED}`,
};

test.each([
  ['node16', 'node16', ['typed.mts', 'typed.cts']],
  ['nodenext', 'nodenext', ['typed.mts', 'typed.cts']],
  ['esnext', 'bundler', ['typed.mts']],
  ['preserve', 'bundler', ['typed.mts', 'typed.cts']],
])('types: module %s, resolution %s, without skipLibCheck', async (module, resolution, files) => {
  for (const [name, source] of Object.entries(TYPED_PROGRAMS)) await writeFile(join(project, name), source);
  const flags = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--exactOptionalPropertyTypes'];
  const target = ['--target', 'es2022', '--lib', 'es2023', '--types', 'node'];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const modules = ['--module', module, '--moduleResolution', resolution];
  const checked = run(tsc, [...flags, ...target, ...modules, ...files], { cwd: project });
  expect(await checked.catch(({ stdout }) => ({ stdout }))).toMatchObject({ stdout: '' });
});

test('no file of the maths imports anything but another of them', async () => {
  const folder = join(project, 'node_modules/graphql-audit-log/dist/merkle');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.js'));
  const imported = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  const others = imported.flatMap((text) => [...text.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)]);
  expect(files.length).toBeGreaterThan(10);
  expect(
    others.map(([, from, dynamic]) => from ?? dynamic).filter((name) => !name?.startsWith('./')),
  ).toEqual([]);
});
