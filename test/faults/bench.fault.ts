import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { eventOf } from '../../bench/events.ts';
import { checkEvent } from '../../src/events/validate.ts';
import { prepareEvent } from '../../src/log/append/prepare-event.ts';

const MAIN = new URL('../../bench/main.ts', import.meta.url).pathname;
// The groups that need the fewest processes; PostGraphile would have to be installed.
const TINY = [
  ...['query', 'summary', 'feed', 'export'],
  ...['--rows', '600', '--seconds', '0.1', '--rounds', '1', '--batch-events', '500'],
  ...['--subscribers', '3,5', '--no-postgraphile', '--json'],
];
const NAMES = [
  'page/stock',
  'page/pg',
  'page-deep',
  'search',
  'search/cidr',
  'search/details',
  'summary',
  'summary/small',
  'feed-latency',
  'fan-out',
  'fan-out/5',
  'export',
  'export/memory',
];

test('the benchmark runs its contenders and prints a ratio for each goal', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', MAIN, ...TINY]);
  const entries = JSON.parse(stdout) as Record<string, Record<string, unknown>>;
  expect(Object.keys(entries)).toEqual(NAMES);
  for (const entry of Object.values(entries)) {
    expect(entry).toEqual({
      value: expect.any(Number),
      reference: expect.any(Number),
      ratio: expect.any(Number),
      goal: expect.any(Number),
      met: expect.any(Boolean),
    });
    expect(entry.ratio).toBeCloseTo((entry.value as number) / (entry.reference as number));
  }
});

test('its events are the same in every run, and of a realistic size', () => {
  expect(eventOf(17)).toEqual(eventOf(17));
  const sizes = Array.from({ length: 2_000 }, (_, number) => {
    const draft = checkEvent(eventOf(number), 'input');
    return prepareEvent(draft, Date.now(), 'input').bytes;
  });
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(600);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(900);
});
