import fc from 'fast-check';
import { expect } from 'vitest';
import { createCopyRows, withLiterals } from '../../../src/db/bulk-read.ts';
import { Prisma } from '../../../src/db/generated/client.ts';
import type { Pool } from '../../../src/db/pool.ts';
import { prismaOn } from '../../../src/db/prisma.ts';
import { canonicalEvent, canonicalJson } from '../../../src/events/canonical.ts';
import type { JsonObject } from '../../../src/events/fields.ts';
import { checkEvent } from '../../../src/events/validate.ts';
import { type PreparedEvent, prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { CanonicalJsonb } from '../../../src/log/read/canonical-jsonb.ts';
import {
  CanonicalRows,
  leafHashOf,
  mostBytes,
  positionOf,
  ROW_COLUMNS,
} from '../../../src/log/read/canonical-row.ts';
import { CHECKED_COLUMNS, checkRow, type StoredRow } from '../../../src/verify/rows.ts';
import type { TestDatabase } from '../../support/database.ts';
import { rowAt } from '../../support/row.ts';
import { runsOf } from '../../support/runs.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
});

const text = (maxLength: number) =>
  fc
    .oneof(
      fc.string({ maxLength, unit: 'binary' }),
      fc.string({ maxLength }),
      fc.constantFrom('"\\\b\f\n\r\t\u000b\u001f\u007f', '\u2028</script>', '🦊', ''),
    )
    .map((value) => value.replaceAll('\0', ''));
const key = fc.oneof(
  text(12),
  fc.constantFrom('a', 'b', 'aa', 'ab', 'b!', 'b b', 'é', '\ufb33', '😀', '"', '\\', 'a\n', '1', '10', '2'),
);
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n)),
  fc.constantFrom(0, -0, 1e-6, -1e-6, 1e-7, 0.1, 1.5, -12.25, 123456789012345, 0.30000000000000004, 5e-324),
);
const { object } = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text(20),
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(
    key.filter((name) => name !== '__proto__'),
    tie('value'),
    { maxKeys: 8 },
  ) as fc.Arbitrary<JsonObject>,
}));
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('::', '::1', '::ffff:1.2.3.4', '::1.2.3.4', '1::8'),
);
const time = fc.integer({ min: Date.UTC(2000) * 2 - Date.UTC(2300), max: Date.UTC(9999, 11, 31) });
const input = fc.record(
  {
    eventType: fc.constantFrom('data.read', 'auth.login'),
    timestamp: time,
    userId: text(40),
    customerId: text(40),
    sessionId: text(40),
    requestId: text(40),
    userAgent: text(200),
    resourceType: text(40),
    resourceId: text(80),
    action: text(20).filter((action) => action.trim() !== ''),
    description: text(200),
    ipAddress: address,
    details: object,
    oldValues: object,
    newValues: object,
  },
  { requiredKeys: ['eventType'] },
);

function preparedOf(given: object): PreparedEvent {
  const draft = checkEvent(given as Parameters<typeof checkEvent>[0], 'input');
  return prepareEvent(draft, Date.now(), 'input');
}

/** The bytes that an export writes for events, by position. */
async function written(query: string): Promise<Map<number, { line: string; leafHash: string }>> {
  const lines = new Map<number, { line: string; leafHash: string }>();
  const rows = new CanonicalRows();
  await createCopyRows(pool)(query, (row) => {
    const out = Buffer.alloc(mostBytes(row.length));
    const line = out.toString('utf8', 0, rows.write(row, out, 0));
    lines.set(positionOf(row), { line, leafHash: leafHashOf(row).toString('hex') });
    return true;
  });
  return lines;
}

function rowsOf(rows: readonly object[]): Prisma.Sql {
  return Prisma.sql`SELECT ${Prisma.raw(ROW_COLUMNS)}
    FROM jsonb_populate_recordset(NULL::audit_events, ${JSON.stringify(rows)}::jsonb)`;
}

test('what is written from a row are the bytes of the canonical event, for every event', async () => {
  let position = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(input, { minLength: 1, maxLength: 20 }), async (inputs) => {
      const prepared = inputs.map(preparedOf);
      const first = position;
      position += prepared.length;
      const query = withLiterals(rowsOf(prepared.map((event, index) => rowAt(event, first + index))));
      const lines = await written(query);
      for (const [index, event] of prepared.entries()) {
        expect(lines.get(first + index)).toEqual({
          line: String(canonicalEvent(event.record)),
          leafHash: Buffer.from(event.leafHash).toString('hex'),
        });
      }
    }),
    { numRuns: runsOf(200, 60) },
  );
});

test('the row of every event verifies, and has a fault with any other words', async () => {
  const prisma = prismaOn(pool);
  const verify = async (rows: readonly object[]) => {
    const found = await prisma.$queryRaw<StoredRow[]>(
      Prisma.sql`SELECT ${Prisma.raw(CHECKED_COLUMNS)}
        FROM jsonb_populate_recordset(NULL::audit_events, ${JSON.stringify(rows)}::jsonb)`,
    );
    return found.map((row) => checkRow(row));
  };
  await fc.assert(
    fc.asyncProperty(fc.array(input, { minLength: 1, maxLength: 20 }), fc.nat(), async (inputs, place) => {
      const prepared = inputs.map(preparedOf);
      const right = prepared.map((event, index) => rowAt(event, index));
      for (const [index, { leaf, fault }] of (await verify(right)).entries()) {
        expect(Buffer.from(leaf ?? [])).toEqual(Buffer.from(prepared[index]?.leafHash ?? []));
        expect(fault).toBeUndefined();
      }
      const wrong = prepared.flatMap(({ searchWords }, index) => {
        const at = place % searchWords.length;
        const [before, word = '', next = ''] = [searchWords.slice(0, at), ...searchWords.slice(at, at + 2)];
        return [
          [...before, ...searchWords.slice(at + 1)],
          [...before, word, ...searchWords.slice(at)],
          [...before, `${word}","${next}`, ...searchWords.slice(at + 2)],
          [...before, `${word}"`, ...searchWords.slice(at + 1)],
          [...before, null, ...searchWords.slice(at + 1)],
        ].map((words) => ({ ...right[index], search_words: words }));
      });
      for (const { fault } of await verify(wrong))
        expect(fault).toBe('its search_words are not those of its text');
    }),
    { numRuns: runsOf(60, 20) },
  );
});

test('an object of very many members, and very deep ones, are written alike', async () => {
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${(n * 7919) % 3_000}`, n]));
  let deep: JsonObject = { b: 1, aa: 2 };
  for (let depth = 0; depth < 14; depth += 1) deep = { zz: 0, b: [deep, {}, []], a: '\\"' };
  const prepared = [many, deep].map((details) => preparedOf({ eventType: 'data.read', details }));
  const lines = await written(withLiterals(rowsOf(prepared.map((event, index) => rowAt(event, index)))));
  expect([lines.get(0)?.line, lines.get(1)?.line]).toEqual(
    prepared.map(({ record }) => String(canonicalEvent(record))),
  );
});

test.each([
  ['30 levels with 64 members each', 30, 64],
  ['40 levels with 64 members each', 40, 64],
  ['63 levels with 60 members each', 63, 60],
  ['64 levels', 64, 1],
  ['65 levels', 65, 1],
  ['500 levels', 500, 3],
])('what is read does not depend on what may be written: %s', async (_what, levels, members) => {
  let document: JsonObject = { b: 1, aa: [] };
  for (let level = 1; level < levels; level += 1) {
    // Half of the members before the one that goes deeper, half behind it.
    const others = Array.from({ length: members - 1 }, (_, n) => [`k${(n * 7919) % members}`, n]);
    document = { ...Object.fromEntries(others), k1x: level % 3 === 0 ? [document] : document };
  }
  const { rows } = await pool.query('SELECT $1::jsonb::text AS stored', [JSON.stringify(document)]);
  const stored = Buffer.from(rows[0].stored);
  const out = Buffer.alloc(stored.length * 4);
  const end = new CanonicalJsonb().write(stored, 0, stored.length, out, 0);
  expect(out.toString('utf8', 0, end)).toBe(canonicalJson(document));
});
