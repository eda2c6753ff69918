import { expect } from 'vitest';
import { readSettings, storeSettings } from '../../src/audit/lifecycle.ts';
import { storeKey } from '../../src/auth/api-keys.ts';
import { Prisma, type PrismaClient } from '../../src/db/generated/client.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { prismaOn } from '../../src/db/prisma.ts';
import { readPositions } from '../../src/log/read/events.ts';
import { parseJson } from '../../src/parse-json.ts';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

const DETAILS = { '\\': [1, null], '\n': { deep: 'x' } };
let database: TestDatabase;
let service: TestService;
let owner: Pool;
let pool: Pool;
let prisma: PrismaClient;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  service = await startService(database.url);
  owner = createPool(database.url, () => undefined);
  // As the service reads.
  pool = createPool(database.url, () => undefined, { role: 'audit_log_service' });
  prisma = prismaOn(pool);
  await logWarnings(service, 60, { more: { customerId: 'acme', ipAddress: '2001:DB8:0::1' } });
  const globex = { customerId: 'globex', userId: 'u1', details: DETAILS, idempotencyKey: 'k1' };
  await logWarnings(service, 1, { prefix: 'b', more: globex });
});

test('events by filter, on the connections of the service', async () => {
  const events = await prisma.auditEvent.findMany({ where: { customerId: 'acme' }, take: 50 });
  expect(new Set(events.map(({ position }) => position)).size).toBe(50);
  for (const { customerId, position } of events) {
    expect(customerId).toBe('acme');
    expect(position).toBeTypeOf('bigint');
  }
});

test('an event as the log reads it', async () => {
  const [event, ...others] = await prisma.auditEvent.findMany({
    where: { customerId: 'globex', severity: 'warning', ipAddress: null, position: { gte: 60n } },
    orderBy: [{ timestamp: 'desc' }, { position: 'desc' }],
  });
  expect(others).toEqual([]);
  const known = (await readPositions(prismaOn(pool), [60])).get(60);
  expect({
    ...event,
    position: Number(event?.position),
    timestamp: event?.timestamp.getTime(),
    recordedAt: event?.recordedAt.getTime(),
  }).toMatchObject({
    id: known?.id,
    position: 60,
    timestamp: known?.timestamp,
    recordedAt: known?.recordedAt,
    eventType: 'security.alert',
    action: 'b0',
    userId: 'u1',
    oldValues: null,
    leafHash: new Uint8Array(known?.leafHash ?? []),
    salt: new Uint8Array(Buffer.from(known?.salt ?? '', 'hex')),
  });
  const kept = await prisma.auditEvent.findUnique({ where: { position: 0n }, select: { ipAddress: true } });
  expect(kept).toEqual({ ipAddress: '2001:db8::1' });
});

test('JSON as text, for the parser of the log', async () => {
  const rows = await prisma.$queryRaw<{ details: string }[]>`
    SELECT details::text FROM audit_events WHERE customer_id = ${'globex'}`;
  expect(rows.map(({ details }) => parseJson(details))).toEqual([DETAILS]);
});

test('a key of the settings with an escape is itself, whatever was read before', async () => {
  for (const settings of [
    { h: [], 'a\\': 1 },
    { h: [], 'a\\': 1 },
    { h: [], 'a"': 1 },
  ]) {
    await storeSettings(owner, settings);
    expect(await readSettings(owner)).toEqual(settings);
  }
});

test('the evidence, the counters, the keys and the rest by filter', async () => {
  expect(await prisma.logHead.findUnique({ where: { singleton: true } })).toMatchObject({
    size: 61n,
    firstPosition: 0n,
    segmentBits: 20,
  });
  expect(await prisma.idempotencyKey.findMany({ where: { scope: 'globex' } })).toMatchObject([
    { key: 'k1', position: 60n },
  ]);
  const identity = await prisma.logIdentity.findFirstOrThrow();
  const tree = { tree: 'log', treeSize: 61n };
  await expect.poll(() => prisma.checkpoint.count({ where: tree })).toBe(1);
  expect(await prisma.checkpoint.findMany({ where: tree })).toMatchObject([
    { logSize: 61n, note: expect.stringMatching(`^${identity.origin}\n61\n`) },
  ]);
  const counts = { scope: 'log', level: 'hour', byType: true, eventType: 'security.alert' };
  const total = async () =>
    (await prisma.summaryCount.aggregate({ where: counts, _sum: { severityWarning: true } }))._sum;
  await expect.poll(total).toEqual({ severityWarning: 61n });
});

test('every model has a table', async () => {
  const prisma = prismaOn(owner);
  for (const name of Object.values(Prisma.ModelName)) {
    const member = name.charAt(0).toLowerCase() + name.slice(1);
    const model: { findMany(options: object): Promise<object[]> } = Reflect.get(prisma, member);
    await expect(model.findMany({ take: 1 }), name).resolves.toBeInstanceOf(Array);
  }
});

test('times are the same, whatever time zone a database has', async () => {
  await owner.query(
    `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET timezone = 'Asia/Kolkata'`,
  );
  const abroad = createPool(database.url, () => undefined);
  try {
    const event = await prismaOn(abroad).auditEvent.findUniqueOrThrow({ where: { position: 0n } });
    expect(event.timestamp.getTime()).toBe((await readPositions(prismaOn(abroad), [0])).get(0)?.timestamp);
    const expiresAt = Date.UTC(2100, 0, 1);
    const key = await storeKey(abroad, { name: 'k', secret: 's'.repeat(43), scopes: [], expiresAt });
    const { rows } = await abroad.query('SELECT expires_at FROM api_keys WHERE id = $1', [key.id]);
    expect(rows).toEqual([{ expires_at: expiresAt }]);
  } finally {
    await abroad.end();
  }
});
