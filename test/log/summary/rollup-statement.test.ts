import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Prisma } from '../../../src/db/generated/client.ts';
import { splitPeriod } from '../../../src/log/summary/rollup-ranges.ts';
import { BY_TYPE, byLocalDay, rollupStatement } from '../../../src/log/summary/rollup-statement.ts';
import { COUNTER_COLUMNS, countersSql, SUM_COUNTERS } from '../../../src/log/summary/rollups.ts';

const SOURCE = readFileSync(new URL('../../../src/log/summary/rollup-statement.ts', import.meta.url), 'utf8');
/** The SQL in the comments of the file: each block is one statement. */
const EXAMPLES = (SOURCE.match(/(^ \* {5}.*\n)+/gm) ?? []).map((block) => block.replace(/^ \*/gm, ''));

/** What stands for long lists of columns in the examples. */
const ABBREVIATED: [string, string][] = [
  [countersSql(1), '<counts>'],
  [countersSql(-1), '-1 * <counts>'],
  [SUM_COUNTERS, '<sums>'],
  [COUNTER_COLUMNS.map((column) => `${column}::float8`).join(', '), '<counters>'],
  [COUNTER_COLUMNS.join(', '), '<counters>'],
];

/** The statement as it would be without parameters. */
function printed({ sql, values }: Prisma.Sql): string {
  const parts = sql.split('?');
  expect(parts).toHaveLength(values.length + 1);
  const text = parts
    .map((part, index) => part + (index < values.length ? literal(values[index]) : ''))
    .join('');
  return ABBREVIATED.reduce((short, [long, name]) => short.replaceAll(long, name), oneLine(text));
}

function literal(value: unknown): string {
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  const text = Array.isArray(value) ? `{${value.join(',')}}` : String(value);
  return `'${text.replaceAll(':00.000Z', 'Z')}'`;
}

/** Without line ends and indentation, which PostgreSQL ignores. */
const oneLine = (text: string) =>
  text.replaceAll(/\s+/g, ' ').replaceAll('( ', '(').replaceAll(' )', ')').trim();
const at = (time: string) => Date.parse(`2026-${time}Z`);
const ALL = { customerId: undefined, eventTypes: undefined, categories: undefined };

test('the comment shows the statement that counts by type', () => {
  const period = { start: at('03-01T00:00'), end: at('03-02T10:20') };
  const scope = { name: 'log', counted: 5_000, first: 200 };
  const levels = ['month', 'day', 'hour'] as const;
  const ranges = splitPeriod(period, { levels, hasDays: undefined, now: at('03-02T10:30') });
  const statement = rollupStatement({
    ...ALL,
    categories: ['auth'],
    scope,
    period,
    ranges,
    byType: true,
    grouping: BY_TYPE,
  });
  expect(printed(statement)).toBe(oneLine(EXAMPLES[0] ?? ''));
});

test('the comment shows how events after a local midnight are moved to their day', () => {
  const bounds = [at('05-04T18:15'), at('05-05T18:15'), at('05-06T18:15')];
  const period = { start: bounds[0] as number, end: bounds[2] as number };
  const ranges = splitPeriod(period, { levels: ['hour'], hasDays: undefined, now: at('12-31T00:00') });
  const statement = rollupStatement({
    ...ALL,
    scope: { name: 'log', counted: 5_000, first: 0 },
    period,
    ranges,
    byType: false,
    grouping: byLocalDay(bounds),
  });
  expect(EXAMPLES).toHaveLength(2);
  expect(printed(statement)).toContain(oneLine(EXAMPLES[1] as string));
});
