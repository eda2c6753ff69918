import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { prismaOn } from '../../../src/db/prisma.ts';
import { canonicalEvent } from '../../../src/events/canonical.ts';
import type { AuditEvent } from '../../../src/events/fields.ts';
import { checkEvent, type EventInput } from '../../../src/events/validate.ts';
import { createAppender } from '../../../src/log/append/appender.ts';
import { eventAt, type PreparedEvent, prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { readRange } from '../../../src/log/read/events.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { startService } from '../../support/service.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createDatabase();
  await (await startService(database.url)).stop();
  pool = createPool(database.url, () => undefined, { role: 'audit_log_service' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((value) => !value.includes('\0'));
const optional = fc.option(text, { nil: undefined });
// Integers beyond 2^53 are refused.
const json = fc
  .jsonValue({ maxDepth: 3, stringUnit: 'grapheme' })
  .map((value) =>
    JSON.parse(JSON.stringify(value), (_, part) => (Number.isInteger(part) ? part % 1e15 : part)),
  );
const object = fc.dictionary(text, json, { maxKeys: 5 });

const input: fc.Arbitrary<EventInput> = fc.record({
  eventType: fc.constantFrom('auth.login', 'data.read'),
  outcome: fc.constantFrom('success', 'failure'),
  severity: fc.constantFrom('info', 'critical'),
  timestamp: fc.option(
    fc.integer({ min: Date.UTC(2000) * 2 - Date.UTC(2300), max: Date.UTC(9999, 11, 31) }),
    {
      nil: undefined,
    },
  ),
  ipAddress: fc.option(fc.oneof(fc.ipV4(), fc.ipV6()), { nil: undefined }),
  idempotencyKey: fc.option(fc.uuid(), { nil: undefined }),
  userId: optional,
  customerId: optional,
  sessionId: optional,
  requestId: optional,
  userAgent: optional,
  resourceType: optional,
  resourceId: optional,
  description: optional,
  details: object,
  oldValues: fc.option(object, { nil: undefined }),
  newValues: fc.option(object, { nil: undefined }),
});

test('what is copied into the log is what is read from it', async () => {
  const inputs = fc.sample(input, 1_500);
  const events: PreparedEvent[] = [];
  for (const one of inputs) {
    try {
      events.push(prepareEvent(checkEvent(one, 'input'), Date.now(), 'input'));
    } catch {
      // What is refused is none of the log's business.
    }
  }
  expect(events.length).toBeGreaterThan(1_000);
  const placements = await createAppender(pool).append({ events, paths: [] });
  const start = placements[0]?.position as number;
  const read = await readRange(prismaOn(pool), {
    start,
    end: start + events.length,
    limit: events.length,
    filters: [],
  });
  const factsOf = (event: AuditEvent) => [
    event.position,
    event.leafHash.toString('hex'),
    String(canonicalEvent(event)),
  ];
  expect(read.map(factsOf)).toEqual(events.map((event, index) => factsOf(eventAt(event, start + index))));
});

test('keys with quotes, backslashes, braces and commas are kept as they are', async () => {
  const keys = ['"', '\\', '{', '}', ',', 'NULL', ' ', '\\"', '"}', "'", '\n', '\\\\x00', 'ü', '👩‍🚀'];
  const events = () =>
    keys.map((idempotencyKey) =>
      prepareEvent(
        checkEvent({ eventType: 'auth.login', customerId: idempotencyKey, idempotencyKey }, 'input'),
        Date.now(),
        'input',
      ),
    );
  const appender = createAppender(pool);
  const first = await appender.append({ events: events(), paths: [] });
  expect(first.every(({ isNew }) => isNew)).toBe(true);
  const again = await appender.append({ events: events(), paths: [] });
  expect(again).toEqual(first.map(({ position }) => ({ position, isNew: false })));
});
