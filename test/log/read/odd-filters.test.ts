import { describe, expect } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { LOG_EVENTS } from '../../support/operations/events.ts';
import { readEveryWay, readingsOf, refusalsOf } from '../../support/readings.ts';
import { dataOf, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
let service: TestService;

// At positions 0 to 3.
const EVENTS = [
  {
    eventType: 'AUTH_LOGIN',
    userId: '',
    customerId: '',
    resourceId: ' ',
    details: { empty: {}, list: [] },
    oldValues: { a: {} },
    newValues: {},
  },
  { eventType: 'DATA_READ', userId: ' ', action: '***', description: '🚨', details: { none: null } },
  { eventType: 'DATA_READ', userId: 'anna', customerId: 'acme', details: { list: [null, 'a'] } },
  { eventType: 'DATA_READ', userId: 'anna', description: 'the last', newValues: { a: [1] } },
] as const;
const ALL = [0, 1, 2, 3];

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  dataOf(await service.ask(LOG_EVENTS, { input: structuredClone(EVENTS) as never }));
});

// Each condition means what it says, or is refused; none is left out without a word.
describe('a condition without anything in it, or with something odd,', () => {
  test.each(
    [
      ['', '***', '%', '_', '"', '""', '" "', '🚨', ' ', '-', '\u200b', '*', '“”', '\\', "'", '""*'].map(
        (search) => ['filter.search', { search }],
      ),
      [
        ['filter.ipAddress', { ipAddress: '' }],
        ['filter.ipAddress', { ipAddress: ' ' }],
        ['filter.ipAddress', { ipAddress: '/0' }],
        ['filter.categories[0]', { categories: [''] }],
        ['filter.categories[1]', { categories: ['auth', ' '] }],
        ['filter.categories[0]', { categories: ['*'] }],
        ['filter.categories[0]', { categories: ['AUTH'] }],
        ['filter.startTime', { startTime: '2026-01-02T00:00:00Z', endTime: '2026-01-01T23:59:59.999Z' }],
        ['filter.startTime', { startTime: '' }],
        ['filter.eventTypes[0]', { eventTypes: [null] }],
        ['filter.eventTypes[0]', { eventTypes: [''] }],
        ['filter.categories[0]', { categories: [null] }],
        ['filter.outcomes[0]', { outcomes: [null] }],
        ['filter.severities[1]', { severities: ['INFO', null] }],
        ['filter.details', { details: [] }],
        ['filter.details', { details: '' }],
        ['filter.oldValues', { oldValues: [] }],
        ['filter.newValues.a', { newValues: { a: '\0' } }],
      ],
    ].flat() as [string, object][],
  )('is refused at %s: %j', async (path, filter) => {
    expect(await readEveryWay(service, filter)).toEqual(refusalsOf(path));
  });

  test.each([
    // An empty list holds no value that an event could have.
    [{ eventTypes: [] }, []],
    [{ categories: [] }, []],
    [{ outcomes: [] }, []],
    [{ severities: [] }, []],
    [{ eventTypes: [], userId: 'anna' }, []],
    [{ outcomes: [], severities: [] }, []],
    [{ severities: ['INFO'], minSeverity: 'ERROR' }, []],
    // An empty text is a value, and so are blanks.
    [{ userId: '' }, [0]],
    [{ userId: ' ' }, [1]],
    [{ customerId: '' }, [0]],
    [{ resourceId: '' }, []],
    [{ resourceId: ' ' }, [0]],
    [{ action: '' }, []],
    [{ action: '***' }, [1]],
    [{ sessionId: '' }, []],
    [{ userId: '%' }, []],
    [{ categories: ['nothing'] }, []],
    // Everything holds an empty object; below it, an empty one is one.
    [{ details: {} }, ALL],
    [{ details: { empty: {} } }, [0]],
    [{ details: { list: [] } }, [0, 2]],
    [{ details: { list: [null] } }, [2]],
    [{ details: { none: null } }, [1]],
    [{ details: { '': '' } }, []],
    [{ oldValues: {} }, [0]],
    [{ oldValues: { a: {} } }, [0]],
    [{ oldValues: { a: null } }, []],
    [{ newValues: {} }, [0, 3]],
    [{ newValues: { a: [] } }, [3]],
    // Null is no condition, as GraphQL has it for what is not given.
    [{}, ALL],
    [{ search: null, userId: null, eventTypes: null, startTime: null, details: null, ipAddress: null }, ALL],
    [{ startTime: '2026-01-01T00:00:00Z', endTime: '2026-01-01T00:00:00Z' }, []],
  ] as [object, number[]][])('means what it says: %j gives %j', async (filter, positions) => {
    const isRead = positions.includes(3);
    expect(await readEveryWay(service, filter, isRead ? 3 : null)).toEqual(readingsOf(positions, isRead));
  });
});
