import { expect } from 'vitest';
import { createKey } from '../../auth/create-key.ts';
import type { TestDatabase } from '../../support/database.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import type { ResultOf, VariablesOf } from '../../support/operations/types.ts';
import { dataOf, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

const LOG = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

async function log(events: object[]): Promise<void> {
  const input = events.map((event) => ({ eventType: 'DATA_READ', ...event }));
  expect(dataOf(await service.ask(LOG, { input }))).toEqual({ logEvents: { recorded: events.length } });
}

test('resources are counted by the pair of type and id', async () => {
  const resources = [
    ...Array(3).fill(['a', 'b/c']),
    ...Array(2).fill(['a/b', 'c']),
    ['a', ''],
    ['', 'a'],
    ['', '/'],
    ['/', ''],
  ] as [string, string][];
  const of = ([resourceType, resourceId]: [string, string]) => ({
    resourceType,
    resourceId,
    customerId: 'acme',
    userId: 'ada',
  });
  await log([...resources.map(of), { resourceType: 'a', customerId: 'acme' }, { resourceId: 'c' }]);
  const query = `{ auditSummary(filter: { eventTypes: [DATA_READ] }) { topResources(first: 5) { value count resourceType resourceId }
    topUsers { value resourceType resourceId } } }`;
  const top = [
    { value: 'a/b/c', count: 3, resourceType: 'a', resourceId: 'b/c' },
    { value: 'a/b/c', count: 2, resourceType: 'a/b', resourceId: 'c' },
    { value: '//', count: 1, resourceType: '', resourceId: '/' },
    { value: '//', count: 1, resourceType: '/', resourceId: '' },
    { value: '/a', count: 1, resourceType: '', resourceId: 'a' },
  ];
  const { secret } = await createKey(service, {
    name: 'reader',
    scopes: ['EVENTS_READ'],
    customerId: 'acme',
  });
  for (const key of [undefined, secret])
    expect(dataOf(await service.ask(query, {}, key))).toEqual({
      auditSummary: { topResources: top, topUsers: [{ value: 'ada', resourceType: null, resourceId: null }] },
    });
});

const TIMELINE = graphql(`
  query Timeline($from: DateTime!, $to: DateTime!, $zone: String, $bucket: TimeBucket!) {
    auditSummary(startTime: $from, endTime: $to, filter: { resourceType: "clock" }) {
      timeline(bucket: $bucket, timeZone: $zone) { start count }
    }
  }
`);
type Point = NonNullable<ResultOf<typeof TIMELINE>['auditSummary']>['timeline'][number];
type TimelineVariables = VariablesOf<typeof TIMELINE>;

async function timeline(
  variables: Omit<TimelineVariables, 'bucket'> & Partial<TimelineVariables>,
): Promise<Point[]> {
  return dataOf(await service.ask(TIMELINE, { bucket: 'DAY', ...variables })).auditSummary.timeline;
}
const pointsOf = (points: Point[]) =>
  points.map(({ start, count }) => [start.replace(':00.000Z', 'Z'), count]);

test('days are those of a time zone, of 23 and of 25 hours when its clocks change', async () => {
  // One event in each half hour.
  const halfHours = (from: string, days: number) =>
    Array.from({ length: days * 48 }, (_, n) => ({
      timestamp: new Date(Date.parse(from) + n * 1_800_000).toISOString(),
      resourceType: 'clock',
    }));
  await log(halfHours('2026-03-27T00:00:00Z', 4));
  await log(halfHours('2026-10-24T00:00:00Z', 4));
  const spring = { from: '2026-03-27T23:00:00Z', to: '2026-03-30T21:59:59.999Z' };
  expect(pointsOf(await timeline({ ...spring, zone: 'Europe/Berlin' }))).toEqual([
    ['2026-03-27T23:00Z', 48],
    ['2026-03-28T23:00Z', 46],
    ['2026-03-29T22:00Z', 48],
  ]);
  const autumn = { from: '2026-10-24T12:00:00Z', to: '2026-10-26T12:00:00Z' };
  expect(pointsOf(await timeline({ ...autumn, zone: 'Europe/Berlin' }))).toEqual([
    ['2026-10-23T22:00Z', 20],
    ['2026-10-24T22:00Z', 50],
    ['2026-10-25T23:00Z', 27],
  ]);
  expect(pointsOf(await timeline({ ...autumn, zone: 'Asia/Kolkata' }))).toEqual([
    ['2026-10-23T18:30Z', 13],
    ['2026-10-24T18:30Z', 48],
    ['2026-10-25T18:30Z', 36],
  ]);
  const utc = await timeline(autumn);
  expect(pointsOf(utc)).toEqual([
    ['2026-10-24T00:00Z', 24],
    ['2026-10-25T00:00Z', 48],
    ['2026-10-26T00:00Z', 25],
  ]);
  for (const zone of ['UTC', null, 'Etc/UTC', 'Africa/Abidjan'])
    expect(await timeline({ ...autumn, zone })).toEqual(utc);
});

test('hours begin where those of the zone do', async () => {
  const night = { from: '2026-10-24T23:40:00Z', to: '2026-10-25T01:10:00Z', bucket: 'HOUR' } as const;
  expect(pointsOf(await timeline({ ...night, zone: 'Asia/Kathmandu' }))).toEqual([
    ['2026-10-24T23:15Z', 1],
    ['2026-10-25T00:15Z', 2],
  ]);
  expect(await timeline({ ...night, zone: 'Europe/Berlin' })).toEqual(await timeline(night));
});

test.each(['Europe/Atlantis', '', '+02:00', 'Europe/Berlin ', 'x'.repeat(1_000), '\0'])(
  '%j is no time zone',
  async (zone) => {
    const { errors } = await service.ask(
      `{ auditSummary { timeline(timeZone: ${JSON.stringify(zone)}) { count } } }`,
    );
    expect(errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', path: 'timeZone' });
  },
);

test('days that a zone skips or begins late, over many years, within the bounds of a timeline', async () => {
  const apia = await timeline({
    from: '2011-12-29T12:00:00Z',
    to: '2011-12-31T12:00:00Z',
    zone: 'Pacific/Apia',
  });
  expect(apia.map(({ start }) => start.slice(0, 13))).toEqual([
    '2011-12-29T10',
    '2011-12-30T10',
    '2011-12-31T10',
  ]);
  const beirut = await timeline({
    from: '2026-03-28T12:00:00Z',
    to: '2026-03-29T12:00:00Z',
    zone: 'Asia/Beirut',
  });
  expect(beirut.map(({ start }) => start.slice(0, 13))).toEqual(['2026-03-27T22', '2026-03-28T22']);
  const long = { from: '0001-01-01T00:00:00Z', to: '0027-01-01T00:00:00Z', zone: 'Asia/Kolkata' };
  expect(await timeline(long)).toHaveLength(9_497);
  const end = { from: '9999-12-30T00:00:00Z', to: '9999-12-31T23:59:59.999Z', zone: 'America/New_York' };
  expect((await timeline(end)).map(({ start }) => start)).toEqual([
    '9999-12-29T05:00:00.000Z',
    '9999-12-30T05:00:00.000Z',
    '9999-12-31T05:00:00.000Z',
  ]);
});
