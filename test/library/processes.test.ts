import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test, vi } from 'vitest';
import { type AuditLog, createAuditLog, getAuditLog } from '../../src/index.ts';
import { createDatabase, dataDirOf } from '../support/database.ts';
import { openTestLog } from '../support/library.ts';

test('several logs in one process, on one database and on two, keep to themselves', async () => {
  const [one, two] = await Promise.all([createDatabase(), createDatabase()]);
  const [first, second, other] = (await Promise.all([
    openTestLog(one.url),
    openTestLog(one.url),
    openTestLog(two.url),
  ])) as [AuditLog, AuditLog, AuditLog];
  const followed = second.follow();
  const handled: string[] = [];
  second.addHandler(({ id }) => void handled.push(id));
  const writes = Array.from({ length: 20 }, (_, at) =>
    (at % 2 === 0 ? first : second).log({ eventType: 'data.read', userId: `u${at}` }),
  );
  const ids = (await Promise.all(writes)).map(({ event }) => event?.id);
  const seen: string[] = [];
  for await (const { id } of followed) if (seen.push(id) === ids.length) break;
  expect(seen.sort()).toEqual([...ids].sort());
  // A handler has what its own log has recorded.
  await expect.poll(() => handled.length).toBe(10);
  expect((await other.query()).events).toEqual([]);
  await first.close();
  expect((await second.log({ eventType: 'data.read' })).status).toBe('RECORDED');
  await Promise.all([second.close(), other.close()]);
  await Promise.all([one.drop(), two.drop()]);
});

test('getAuditLog is one for all, as the environment says, and another after it was closed', async () => {
  const database = await createDatabase();
  vi.stubEnv('DATABASE_URL', database.url);
  vi.stubEnv('DATA_DIR', dataDirOf(database.url));
  vi.stubEnv('PORT', 'x');
  try {
    const [log, same] = await Promise.all([getAuditLog(), getAuditLog()]);
    expect(same).toBe(log);
    expect((await log.logAuthEvent({ eventType: 'auth.login', userId: 'env' })).status).toBe('RECORDED');
    await log.close();
    const next = await getAuditLog();
    expect(next).not.toBe(log);
    expect((await next.query({ userId: 'env' })).events).toHaveLength(1);
    await next.close();
  } finally {
    vi.unstubAllEnvs();
  }
  await database.drop();
});

/** Kills the program when it has acknowledged so many, and returns those. */
async function acknowledgedBy(child: ChildProcess, count: number): Promise<string[]> {
  const acknowledged: string[] = [];
  const exited = once(child, 'exit');
  child.on('message', (message: string) => {
    if (message === 'ready') return;
    acknowledged.push(message);
    if (acknowledged.length === count) child.kill('SIGKILL');
  });
  await exited;
  return acknowledged;
}

function startVictim(databaseUrl: string, dataDir: string): ChildProcess {
  return fork(new URL('victim.js', import.meta.url), [inject('built'), databaseUrl, dataDir]);
}

test('a process that ends without close loses nothing that was acknowledged, beside another that goes on', async () => {
  const database = await createDatabase();
  const log = await openTestLog(database.url);
  const acknowledged = await acknowledgedBy(startVictim(database.url, dataDirOf(database.url)), 100);
  const { event } = await log.log({ eventType: 'data.read' });
  const stored = new Set<string>();
  for (let after: string | null | undefined; ; ) {
    const page = await log.query({ userId: 'victim' }, { limit: 1_000, after });
    for (const { id } of page.events) stored.add(id);
    if (!page.hasNextPage) break;
    after = page.endCursor;
  }
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  expect(event?.position).toBe(stored.size);
  expect((await log.verify()).outcome).toBe('verified');
  await log.close();
  await database.drop();
});

test('nor on an embedded PostgreSQL, whose next start it does not block', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'audit-log-victim-'));
  const acknowledged = await acknowledgedBy(startVictim('-', dataDir), 50);
  const next = await acknowledgedBy(startVictim('-', dataDir), 1);
  expect([acknowledged.length >= 50, next.length >= 1]).toEqual([true, true]);
  const log = await createAuditLog({ dataDir, settings: { META_AUDIT: 'none', LOG_LEVEL: 'silent' } });
  for (const id of [...acknowledged, ...next]) expect(await log.get(id)).toBeDefined();
  expect((await log.verify()).outcome).toBe('verified');
  await log.close();
  await rm(dataDir, { recursive: true, force: true });
}, 120_000);
