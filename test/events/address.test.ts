import { describe, expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { addressIn, canonicalAddress, parseBlock, plainAddress } from '../../src/events/address.ts';
import { createAppender } from '../../src/log/append/appender.ts';
import { prepareEvent } from '../../src/log/append/prepare-event.ts';
import { createHead } from '../../src/log/head.ts';
import { whereOf } from '../../src/log/read/filter-sql.ts';
import { createHostCheck } from '../../src/server/hosts-and-origins.ts';
import type { TestDatabase } from '../support/database.ts';
import { LOG_EVENTS } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { readEveryWay, readingsOf } from '../support/readings.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

const DRAFT = {
  eventType: 'data.read',
  outcome: 'success' as const,
  severity: 'info' as const,
  action: 'data.read',
  description: '',
  details: {},
};
// As an older version recorded them, which kept the spelling of a mapped address.
const FORMER = [
  { ...DRAFT, ipAddress: '::ffff:192.0.2.77', idempotencyKey: 'former' },
  { ...DRAFT, ipAddress: '::102:304' },
];
// At the positions behind those; the last is the one up to which feeds are read.
const GIVEN = [
  '192.0.2.77',
  '::ffff:192.0.2.77',
  '0:0:0:0:0:FFFF:C000:024D',
  '192.0.3.77',
  '2001:DB8:0:0::1',
  '::ffff:192.0.2.77',
  '2001:db8::1',
  '192.0.2.77',
];
const V4 = [0, 2, 3, 4, 7, 9];
const V6 = [1, 6, 8];

const ADDRESSES = graphql(`
  query Addresses {
    auditEvents(orderBy: POSITION_ASC) {
      edges { node { ipAddress } }
    }
  }
`);

let database: TestDatabase;
let pool: Pool;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  await createHead(pool, 20);
  const appender = createAppender(pool);
  await appender.append({ events: FORMER.map((one) => prepareEvent(one, Date.now(), '')), paths: [] });
  await appender.close();
  service = await startService(database.url);
  const input = GIVEN.map((ipAddress) => ({ eventType: 'DATA_READ' as const, ipAddress }));
  dataOf(await service.ask(LOG_EVENTS, { input }));
});

describe('one address', () => {
  test.each(['192.0.2.77', '::ffff:192.0.2.77', '::FFFF:c000:024d', '192.0.2.0/24', '::ffff:192.0.2.0/120'])(
    'that was recorded in two spellings is found by %s, whichever way events are read',
    async (ipAddress) => {
      expect(await readEveryWay(service, { ipAddress }, 9)).toEqual(readingsOf(V4));
    },
  );

  test('is in the block of its family alone', async () => {
    for (const ipAddress of ['0.0.0.0/0', '::ffff:0:0/96'])
      expect(await readEveryWay(service, { ipAddress }, 9), ipAddress).toEqual(readingsOf([...V4, 5].sort()));
    for (const ipAddress of ['::/0', '::ffff:0:0/0'])
      expect(await readEveryWay(service, { ipAddress }, 8), ipAddress).toEqual(readingsOf(V6));
    // Wider than the mapped addresses, which are none of IPv6.
    expect(await readEveryWay(service, { ipAddress: '::/64' }, null)).toEqual(readingsOf([1], false));
  });

  test('has one place among the addresses with the most events, in the spelling of events', async () => {
    const answer = await service.ask('{ auditSummary { topIpAddresses { value count } } }');
    expect(answer.data).toEqual({
      auditSummary: {
        topIpAddresses: [
          { value: '192.0.2.77', count: 6 },
          { value: '2001:db8::1', count: 2 },
          { value: '192.0.3.77', count: 1 },
          { value: '::102:304', count: 1 },
        ],
      },
    });
  });

  test('is stored as its IPv4 address from now on, and stays what it was in older events', async () => {
    const { edges } = dataOf(await service.ask(ADDRESSES)).auditEvents;
    expect(edges.map(({ node }) => node.ipAddress)).toEqual([
      '::ffff:192.0.2.77',
      '::102:304',
      ...GIVEN.map((text) => plainAddress(text)),
    ]);
  });

  test('makes a repeated event a duplicate in either spelling, and another address a conflict', async () => {
    const again = (ipAddress: string, idempotencyKey: string) =>
      service.ask(LOG_EVENTS, { input: [{ eventType: 'DATA_READ', ipAddress, idempotencyKey }] });
    for (const ipAddress of ['192.0.2.77', '::ffff:192.0.2.77'])
      expect(dataOf(await again(ipAddress, 'former')).logEvents, ipAddress).toMatchObject({
        duplicates: 1,
        results: [{ event: { position: 0 } }],
      });
    for (const [ipAddress, key] of [
      ['192.0.2.78', 'former'],
      ['::ffff:192.0.2.78', 'former'],
      ['2001:db8::1', 'former'],
    ] as const)
      expect((await again(ipAddress, key)).errors?.[0]?.extensions.code, ipAddress).toBe('CONFLICT');
  });

  test('is found through the index in both spellings', async () => {
    const client = await pool.connect();
    // The table is so small that any of its indexes would do.
    await client.query('SET enable_seqscan = off');
    await client.query('SET enable_indexscan = off');
    await client.query('SET enable_indexonlyscan = off');
    const where = whereOf([{ ipBlock: { address: '192.0.2.0', bits: 24 } }]);
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT position FROM audit_segments.s00000000 WHERE ${where.text}`,
      where.values,
    );
    client.release(true);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan.match(/Index Cond: .*ip_address >=/g)).toHaveLength(2);
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:C000:201', '192.0.2.1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  // Neither is an IPv4-mapped address: the deprecated form that is compatible with IPv4, and two kinds of translation.
  ['::192.0.2.1', '::c000:201'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ['::ffff:0:192.0.2.1', '::ffff:0:c000:201'],
  ['192.0.2.01', undefined],
  ['::ffff:192.0.2.01', undefined],
  ['::ffff:192.0.2', undefined],
  ['fe80::1%eth0', undefined],
  ['[2001:db8::1]', undefined],
  ['192.0.2.1:443', undefined],
  [' 192.0.2.1', undefined],
  ['', undefined],
])('the address %s is %s', (text, expected) => {
  expect(plainAddress(text)).toBe(expected);
  // What is stored reads back as what it was.
  if (expected !== undefined) expect(canonicalAddress(expected)).toBe(expected);
});

test.each([
  ['192.0.2.1:443', '192.0.2.1'],
  [' [::ffff:192.0.2.1]:443 ', '192.0.2.1'],
  ['[2001:DB8::1]', '2001:db8::1'],
  ['2001:db8::1:443', '2001:db8::1:443'],
  ['192.0.2.1:443:1', undefined],
  ['[192.0.2.1', undefined],
  ['unknown', undefined],
  ['', undefined],
])('the address in "%s" is %s', (text, expected) => {
  expect(addressIn(text)).toBe(expected);
});

test.each([
  ['192.0.2.1', '192.0.2.1/32'],
  ['::ffff:192.0.2.1', '192.0.2.1/32'],
  ['::ffff:192.0.2.0/120', '192.0.2.0/24'],
  ['::ffff:0:0/96', '0.0.0.0/0'],
  ['::ffff:0:0/95', '::ffff:0.0.0.0/95'],
  ['2001:DB8::/32', '2001:db8::/32'],
  ['192.0.2.0/33', undefined],
  ['192.0.2.0/', undefined],
  ['192.0.2.0/24/24', undefined],
])('the block %s is %s', (text, expected) => {
  const block = parseBlock(text);
  expect(block && `${block.address}/${block.bits}`).toBe(expected);
});

test('a host that is an address is allowed in every spelling', () => {
  const isHost = createHostCheck('0.0.0.0', ['[2001:DB8::1]', '192.0.2.1']);
  for (const host of ['[2001:db8:0::1]:4000', '[::ffff:192.0.2.1]', '192.0.2.1:80'])
    expect(isHost(host)).toBe(true);
  expect(isHost('[2001:db8::2]')).toBe(false);
  // Bound to loopback in another spelling, the service answers to loopback names alone.
  for (const bound of ['::ffff:127.0.0.1', '0:0:0:0:0:0:0:1', '[::1]']) {
    expect(createHostCheck(bound, [])('evil.example'), bound).toBe(false);
    expect(createHostCheck(bound, [])('[::ffff:127.0.0.1]:4000'), bound).toBe(true);
  }
});
