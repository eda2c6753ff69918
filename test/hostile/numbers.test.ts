import { describe, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { IS_FULL } from '../support/runs.ts';
import { ADMIN_KEY, type Answer, post, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { test } from '../support/test.ts';

// Numbers as text: JSON.stringify could not write most of them.

const LOG = 'mutation ($input: LogEventInput!) { logEvent(input: $input) { event { details } } }';
const BATCH = 'mutation ($events: [LogEventInput!]!) { logEvents(input: $events) { recorded } }';
const COUNT = 'query ($filter: AuditEventFilter) { auditEvents(filter: $filter, first: 1) { totalCount } }';

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

const bodyOf = (query: string, variables: string) =>
  `{"query":${JSON.stringify(query)},"variables":${variables}}`;
const event = (details: string) => `{"eventType":"DATA_READ","details":${details}}`;
const refusedAt = (path: string) => ({ code: 'BAD_USER_INPUT', path });
const extensionsOf = ({ errors }: Answer) => errors?.map(({ extensions }) => extensions);

async function overSocket(query: string, variables: string): Promise<Answer> {
  const { socket, next } = await connectSocket(service.url);
  socket.send(`{"id":"1","type":"subscribe","payload":${bodyOf(query, variables)}}`);
  const { type, payload } = await next();
  socket.terminate();
  return (type === 'error' ? { errors: payload } : payload) as Answer;
}

const WAYS: [string, (query: string, variables: string) => Promise<Answer>][] = [
  ['HTTP', (query, variables) => post(service.url, bodyOf(query, variables), ADMIN_KEY)],
  // Read in parts.
  [
    'HTTP in a large body',
    (query, variables) =>
      post(service.url, bodyOf(query, variables).replace('{', `{"pad":"${'x'.repeat(100_000)}",`), ADMIN_KEY),
  ],
  ['WebSocket', overSocket],
];

const CHANGED = [
  '98765432109.12345678',
  '0.12345678901234567',
  '-12345678901.1234567e2',
  '0.1000000000000000055511151231257827',
  '9007199254740993.0',
  '9007199254740992.5',
  '1e-400',
  '1E-324',
  '123456789.123456789E-1',
];

describe.each(WAYS)('over %s', (_way, ask) => {
  test.each(CHANGED)('%s, which a double changes, is refused with its path', async (number) => {
    const answer = await ask(LOG, `{"input":${event(`{"e":"1.5e","list":[0.5,{"amount":${number}}]}`)}}`);
    expect(extensionsOf(answer)).toEqual([refusedAt('input.details.list[1].amount')]);
    expect(answer.errors?.[0]?.message).toMatch(/string/);
  });

  test.each([
    ['0.1', 0.1],
    ['1.10', 1.1],
    ['-0.0', 0],
    ['100.000000000000000000000', 100],
    ['0.30000000000000004', 0.30000000000000004],
    ['12.5E+1', 125],
    ['5e-324', 5e-324],
    ['0.000000000000000000000000000000123456789012345', 1.23456789012345e-31],
  ])('%s is kept as %d', async (number, kept) => {
    const answer = await ask(LOG, `{"input":${event(`{"n":${number}}`)}}`);
    expect(answer).toEqual({ data: { logEvent: { event: { details: { n: kept } } } } });
  });

  test('an element of a batch is named by its place', async () => {
    const some = Array.from({ length: 400 }, (_, n) =>
      event(`{"n":${n}.25,"text":"1.2345678901234567890e"}`),
    );
    some[333] = event('{"n":{"":0.12345678901234567}}');
    expect(extensionsOf(await ask(BATCH, `{"events":[${some.join(',')}]}`))).toEqual([
      refusedAt('input[333].details.n.'),
    ]);
  });

  test('a filter would not find what it asks for', async () => {
    expect(extensionsOf(await ask(COUNT, '{"filter":{"details":{"n":0.12345678901234567}}}'))).toEqual([
      refusedAt('filter.details.n'),
    ]);
  });

  test.each([
    ['in the place of an object', '{"input":0.12345678901234567}', 'input'],
    ['in the place of details', `{"input":${event('0.12345678901234567')}}`, 'input.details'],
    [
      'in the place of a text',
      '{"input":{"eventType":"DATA_READ","userId":0.12345678901234567}}',
      'input.userId',
    ],
  ])('%s it is an error of that place', async (_where, variables, path) => {
    const [first] = extensionsOf(await ask(LOG, variables)) ?? [];
    expect(first).toEqual(refusedAt(path));
  });

  test("elsewhere it is in nobody's way", async () => {
    const answer = await ask(COUNT, '{"unknown":0.12345678901234567}');
    expect(answer.errors).toBeUndefined();
  });
});

test('in the parameters of a GET', async () => {
  const url = new URL(`${service.url}/graphql`);
  url.searchParams.set('query', COUNT);
  url.searchParams.set('variables', '{"filter":{"details":{"n":98765432109.12345678}}}');
  const response = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  expect(extensionsOf((await response.json()) as Answer)).toEqual([refusedAt('filter.details.n')]);
});

test.each([...CHANGED, '1e400', '9007199254740993'])('%s as a literal of a document', async (number) => {
  const query = `mutation { logEvent(input: { eventType: DATA_READ, details: { list: [1.10, ${number}] } }) { status } }`;
  expect(extensionsOf(await service.ask(query))).toEqual([refusedAt('input.details.list[1]')]);
});

test('a literal that a double keeps', async () => {
  const query =
    'mutation { logEvent(input: { eventType: DATA_READ, details: { n: [0.1, 1.10, 2.50e-3] } }) { event { details } } }';
  expect(await service.ask(query)).toEqual({
    data: { logEvent: { event: { details: { n: [0.1, 1.1, 0.0025] } } } },
  });
});

test.runIf(IS_FULL)('a body of nothing but such numbers takes no longer than one of others', async () => {
  const timeOf = async (number: string) => {
    const start = performance.now();
    await post(
      service.url,
      bodyOf(LOG, `{"input":${event(`{"a":[${Array(9_000).fill(number).join(',')}]}`)}}`),
      ADMIN_KEY,
    );
    return performance.now() - start;
  };
  await timeOf('1');
  expect(await timeOf(`0.${'1'.repeat(150)}`)).toBeLessThan(1_000);
  const long = performance.now();
  const digits = `1${'0'.repeat(1_000_000)}1.${'0'.repeat(900_000)}1`;
  const { errors } = await post(service.url, bodyOf(LOG, `{"input":${event(`{"a":${digits}}`)}}`), ADMIN_KEY);
  expect(errors?.[0]?.extensions).toEqual(refusedAt('input.details.a'));
  expect(performance.now() - long).toBeLessThan(1_000);
});

const AT = graphql(`
  mutation LogAt($timestamp: DateTime) {
    logEvent(input: { eventType: DATA_READ, timestamp: $timestamp }) {
      event { timestamp }
    }
  }
`);

describe('leap seconds', () => {
  const timestampOf = async (timestamp: string) => {
    const { data, errors } = await service.ask(AT, { timestamp });
    if (errors) return errors[0]?.extensions;
    return data?.logEvent.event?.timestamp;
  };

  test.each([
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2017-01-01T05:29:60.750+05:30', '2017-01-01T00:00:00.750Z'],
    ['2015-06-30T16:59:60.25-07:00', '2015-07-01T00:00:00.250Z'],
  ])('%s is %s', async (given, kept) => {
    expect(await timestampOf(given)).toBe(kept);
  });

  test.each(['2016-12-31T22:59:60Z', '2016-12-31T23:58:60Z', '2016-12-31T23:59:61Z', '9999-12-31T23:59:60Z'])(
    '%s is none',
    async (given) => {
      expect(await timestampOf(given)).toEqual(refusedAt('input.timestamp'));
    },
  );
});
