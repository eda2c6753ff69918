import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createKey } from '../auth/create-key.ts';
import { TRANSPORTS, type Transport } from '../hostile/transports.ts';
import type { TestDatabase } from '../support/database.ts';
import { COUNT_EVENTS } from '../support/operations/events.ts';
import { ADMIN_KEY, type Answer, dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { upTo } from '../support/write.ts';

const LOG = 'mutation ($events: [LogEventInput!]!) { logEvents(input: $events) { recorded } }';

const SECRET =
  'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';

let database: TestDatabase;
let service: TestService;
/** How many drafts the filter of the deployment has seen. */
let filtered = 0;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  const filters = [
    () => {
      filtered += 1;
      return true;
    },
  ];
  service = await startService(database.url, {}, { filters });
});

const read = (more: object = {}) => ({ eventType: 'DATA_READ', ...more });
const batch = (size: number, ...some: [number, object][]) => {
  const events: object[] = upTo(size).map(() => read());
  for (const [at, more] of some) events[at] = read(more);
  return { events };
};
const problems = ({ data, errors }: Answer) => {
  expect(data ?? null).toBeNull();
  return errors?.map(({ extensions }) => [extensions.code, extensions.path]);
};
const bad = (path: string) => ['BAD_USER_INPUT', path];
const count = async () => {
  return dataOf(await service.ask(COUNT_EVENTS)).auditEvents.totalCount;
};

describe.each(Object.entries(TRANSPORTS))('over %s', (_name, open) => {
  let transport: Transport;
  beforeAll(async () => {
    transport = await open(service);
  });
  afterAll(() => transport.close());

  test('of a long name that is no field, an error shows the beginning', async () => {
    const { errors } = await transport.ask(LOG, batch(1, [0, { ['x'.repeat(100_000)]: 1 }]));
    const [error, ...others] = errors ?? [];
    expect(others).toEqual([]);
    expect(error?.message).toBe(
      `input[0]: Field "${'x'.repeat(199)}..." is not defined by type "LogEventInput".`,
    );
  });

  test('a refused batch names every problem, each as an error with its path', async () => {
    const before = await count();
    const seen = filtered;
    const answer = await transport.ask(
      LOG,
      batch(
        100,
        [
          3,
          {
            ipAddress: '203.0.113.9:443',
            userId: 'x'.repeat(257),
            details: { a: [2 ** 60, '\0'], b: Number.MAX_VALUE },
          },
        ],
        [50, { userAgent: 'x'.repeat(2_001) }],
        [51, { resourceType: 'audit_log', oldValues: { __proto__: null, a: '\ud800' } }],
        [98, { idempotencyKey: '', action: ' ' }],
      ),
    );
    expect(problems(answer)).toEqual(
      [
        'input[3].userId',
        'input[3].ipAddress',
        'input[3].details.a[0]',
        'input[3].details.a[1]',
        'input[3].details.b',
        'input[50].userAgent',
        'input[51].resourceType',
        'input[51].oldValues.a',
        'input[98].idempotencyKey',
        'input[98].action',
      ].map(bad),
    );
    for (const { message, extensions, path } of answer.errors as NonNullable<Answer['errors']>) {
      expect(message.startsWith(`${extensions.path}: `)).toBe(true);
      expect(path).toEqual(['logEvents']);
    }
    expect(await count()).toBe(before);
    expect(filtered).toBe(seen);
  });

  test('100 of them at most', async () => {
    const events = upTo(150).map((n) => read({ ipAddress: `host-${n}` }));
    expect(problems(await transport.ask(LOG, { events }))).toEqual(
      upTo(100).map((n) => bad(`input[${n}].ipAddress`)),
    );
    const wrong = upTo(150).map((n) => ({ eventType: `NOTHING_${n}` }));
    expect(problems(await transport.ask(LOG, { events: wrong }))).toEqual(
      upTo(100).map((n) => bad(`input[${n}].eventType`)),
    );
    const many = { a: upTo(120).map((n) => 2 ** 60 + 1e10 * n) };
    expect(problems(await transport.ask(LOG, batch(2, [1, { details: many }])))).toEqual(
      upTo(100).map((n) => bad(`input[1].details.a[${n}]`)),
    );
  });

  test('values of a wrong type hide nothing of what else is wrong', async () => {
    const answer = await transport.ask(
      LOG,
      batch(
        60,
        [7, { timestamp: 'yesterday', ipAddress: 'unknown' }],
        [8, { sessionId: 'x'.repeat(300) }],
        [59, { severity: 'LOUD', userId: 7 }],
      ),
    );
    expect(problems(answer)).toEqual(
      [
        'input[7].timestamp',
        'input[59].severity',
        'input[59].userId',
        'input[7].ipAddress',
        'input[8].sessionId',
      ].map(bad),
    );
  });

  test('idempotency keys that were used before, all of them', async () => {
    const keyed = (n: number, action: string) => read({ action, idempotencyKey: `${_name}-${n}` });
    const first = { events: upTo(5).map((n) => keyed(n, 'first')) };
    expect((await transport.ask(LOG, first)).data).toEqual({ logEvents: { recorded: 5 } });
    const before = await count();
    const events = [
      keyed(0, 'first'),
      keyed(1, 'other'),
      keyed(9, 'new'),
      keyed(9, 'twice'),
      keyed(4, 'other'),
    ];
    expect(problems(await transport.ask(LOG, { events }))).toEqual(
      [1, 3, 4].map((n) => ['CONFLICT', `input[${n}].idempotencyKey`]),
    );
    expect(await count()).toBe(before);
    const again = { events: [keyed(0, 'first'), keyed(9, 'new')] };
    expect((await transport.ask(LOG, again)).data).toEqual({ logEvents: { recorded: 1 } });
  });

  test('idempotency keys that were used before, where a value of a wrong type is the only other problem', async () => {
    const keyed = (action: string) => read({ action, idempotencyKey: `${_name}-typed` });
    expect((await transport.ask(LOG, { events: [keyed('first')] })).data).toEqual({
      logEvents: { recorded: 1 },
    });
    const events = [keyed('first'), keyed('other'), read({ severity: 'LOUD' })];
    expect(problems(await transport.ask(LOG, { events }))).toEqual([
      bad('input[2].severity'),
      ['CONFLICT', 'input[1].idempotencyKey'],
    ]);
  });

  test('what only redaction and the canonical form find', async () => {
    const large = { a: 'x'.repeat(70_000) };
    expect(
      problems(
        await transport.ask(
          LOG,
          batch(4, [0, { details: large }], [1, { ipAddress: 'no' }], [3, { customerId: SECRET }]),
        ),
      ),
    ).toEqual(['input[1].ipAddress', 'input[0]', 'input[3].customerId'].map(bad));
  });

  test('keys, secrets and sizes are named beside values of a wrong type, and beside what else is wrong', async () => {
    const keyed = (n: number, action: string) => ({ action, idempotencyKey: `${_name}-beside-${n}` });
    const first = { events: [read(keyed(0, 'first')), read(keyed(1, 'first'))] };
    expect((await transport.ask(LOG, first)).data).toEqual({ logEvents: { recorded: 2 } });
    const before = await count();
    const others = batch(
      6,
      [0, keyed(0, 'other')],
      [1, { details: { a: 'x'.repeat(70_000) } }],
      [2, { customerId: SECRET }],
      [4, keyed(1, 'first')],
      [5, { ...keyed(0, 'first'), description: 'x' }],
    );
    const found = [
      bad('input[1]'),
      bad('input[2].customerId'),
      ['CONFLICT', 'input[0].idempotencyKey'],
      ['CONFLICT', 'input[5].idempotencyKey'],
    ];
    const events = [...others.events, read({ ipAddress: 'no', ...keyed(1, 'other') })];
    expect(problems(await transport.ask(LOG, { events }))).toEqual([bad('input[6].ipAddress'), ...found]);
    // What is left of the last two would be another event: whether its key is in conflict is not known.
    const wrong = [
      ...others.events,
      read({ severity: 'LOUD', ...keyed(1, 'other'), customerId: SECRET }),
      { eventType: 'NOTHING', ...keyed(1, 'other'), userAgent: 'x'.repeat(3_000) },
    ];
    const named = [
      bad('input[1]'),
      bad('input[2].customerId'),
      bad('input[6].customerId'),
      ...found.slice(2),
    ];
    expect(problems(await transport.ask(LOG, { events: wrong }))).toEqual([
      bad('input[6].severity'),
      bad('input[7].eventType'),
      bad('input[7].userAgent'),
      ...named,
    ]);
    expect(await count()).toBe(before);
  });

  test('values of a wrong type that are literals, 100 at most', async () => {
    const wrongOf = (size: number) =>
      upTo(size)
        .map((n) => `{ eventType: ${n % 2 ? `NOTHING_${n}` : `DATA_READ, userId: ${n}`} }`)
        .join('\n');
    for (const size of [15, 150, 900]) {
      const answer = await transport.ask(
        `mutation { logEvents(input: [${wrongOf(size)}]) { recorded } }`,
        {},
      );
      expect(problems(answer)).toEqual(
        upTo(Math.min(size, 100)).map((n) => bad(`input[${n}].${n % 2 ? 'eventType' : 'userId'}`)),
      );
    }
  });

  test.each([
    ['{ auditEvents(filter: { startTime: "x" }) { totalCount } }', 'filter.startTime'],
    ['{ auditSummary(startTime: "x") { totalEvents } }', 'startTime'],
    ['{ consistencyProof(from: 1.5, to: 3) { hashes } }', 'from'],
    [
      'mutation { logEvents(input: [{ eventType: DATA_READ, timestamp: 5 }]) { recorded } }',
      'input[0].timestamp',
    ],
    ['mutation { createApiKey(name: "a", scopes: [], expiresAt: "2026") { secret } }', 'expiresAt'],
  ])('a literal of a scalar: %s', async (query, path) => {
    expect(problems(await transport.ask(query, {}))).toEqual([bad(path)]);
  });

  test('one event, likewise', async () => {
    const one = 'mutation ($event: LogEventInput!) { logEvent(input: $event) { status } }';
    const event = read({ ipAddress: 'no', sessionId: 'x'.repeat(300) });
    expect(problems(await transport.ask(one, { event }))).toEqual(
      ['input.ipAddress', 'input.sessionId'].map(bad),
    );
  });
});

test('events of another customer than that of the key', async () => {
  const { secret } = await createKey(service, { name: 'acme', scopes: ['EVENTS_WRITE'], customerId: 'acme' });
  const events = batch(
    5,
    [1, { customerId: 'globex' }],
    [2, { customerId: 'acme', ipAddress: 'no' }],
    [4, { customerId: '' }],
  );
  expect(problems(await service.ask(LOG, events, secret))).toEqual([
    ['FORBIDDEN', 'input[1].customerId'],
    bad('input[2].ipAddress'),
    ['FORBIDDEN', 'input[4].customerId'],
  ]);
  const typed = { events: [...events.events, { eventType: 'NOTHING' }] };
  expect(problems(await service.ask(LOG, typed, secret))).toEqual([
    bad('input[5].eventType'),
    ['FORBIDDEN', 'input[1].customerId'],
    bad('input[2].ipAddress'),
    ['FORBIDDEN', 'input[4].customerId'],
  ]);
});

test('of the key of another customer nothing is told', async () => {
  const { secret } = await createKey(service, { name: 'keys', scopes: ['EVENTS_WRITE'], customerId: 'acme' });
  const theirs = read({ customerId: 'globex', idempotencyKey: 'theirs' });
  expect(problems(await service.ask(LOG, { events: [theirs, read({ userId: 7 })] }))).toHaveLength(1);
  expect((await service.ask(LOG, { events: [theirs] })).data).toEqual({ logEvents: { recorded: 1 } });
  for (const more of [{ ipAddress: 'no' }, { userId: 7 }]) {
    const events = [{ ...theirs, action: 'other' }, read({ idempotencyKey: 'theirs' }), read(more)];
    const found = problems(await service.ask(LOG, { events }, secret));
    expect(found?.sort()).toEqual([
      bad(`input[2].${Object.keys(more)[0]}`),
      ['FORBIDDEN', 'input[0].customerId'],
    ]);
  }
});

test('100 of them in the largest request too, and of each value only the beginning', async () => {
  const events = [
    ...upTo(120).map(() => read({ userId: ['\n'.repeat(50_000)] })),
    read({ sessionId: { a: { b: ['x'.repeat(1_000_000)] } } }),
  ];
  const { data, errors } = await service.ask(LOG, { events });
  expect(problems({ data, errors } as Answer)).toEqual(upTo(100).map((n) => bad(`input[${n}].userId`)));
  const { errors: few } = await service.ask(LOG, { events: events.slice(30) });
  expect(few?.map(({ extensions }) => extensions.path)).toEqual([
    ...upTo(90).map((n) => `input[${n}].userId`),
    'input[90].sessionId',
  ]);
  expect(few?.[0]?.message).toBe(
    `input[0].userId: String cannot represent a non string value: ["${'\\n'.repeat(198)}..."]`,
  );
});

test('what is said of many problems stays small, however long their paths are', async () => {
  const details = { ['k'.repeat(100_000)]: upTo(200).map(() => 2 ** 60) };
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ query: LOG, variables: batch(2, [1, { details }]) }),
  });
  const text = await response.text();
  expect((JSON.parse(text) as Answer).errors).toHaveLength(100);
  expect(text.length).toBeLessThan(300_000);
});

test('a batch that is too long, or is none, is one problem', async () => {
  const event = read({ ipAddress: 'no' });
  expect(problems(await service.ask(LOG, { events: Array(1_001).fill(event) }))).toEqual([bad('input')]);
  expect(problems(await service.ask(LOG, { events: [] }))).toEqual([bad('input')]);
});

test('a key that may not write is told nothing of what was written', async () => {
  const { secret } = await createKey(service, { name: 'reader', scopes: ['EVENTS_READ'] });
  const first = { eventType: 'DATA_READ', idempotencyKey: 'known', description: 'as it was' };
  expect((await service.ask(LOG, { events: [first] })).errors).toBeUndefined();
  const guess = { ...first, description: 'another' };
  const answer = await service.ask(
    LOG,
    { events: [guess, { eventType: 5 }, read({ description: 'a\0' })] },
    secret,
  );
  expect(answer.errors?.map(({ extensions }) => extensions.code)).not.toContain('CONFLICT');
});
