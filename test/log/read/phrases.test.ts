import { describe, expect } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { prismaOn } from '../../../src/db/prisma.ts';
import { formerSearchWords, parseSearch } from '../../../src/events/search.ts';
import { createAppender } from '../../../src/log/append/appender.ts';
import { prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { createHead } from '../../../src/log/head.ts';
import { whereOf } from '../../../src/log/read/filter-sql.ts';
import { findFormerWordsEnd } from '../../../src/log/read/search.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { LOG_EVENTS } from '../../support/operations/events.ts';
import { graphql } from '../../support/operations/generated/gql.ts';
import { readEveryWay, readingsOf, refusalsOf } from '../../support/readings.ts';
import { dataOf, type TestService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

const FORMER = ['moved from 10.0.0.1', '日本 語', 'the former event of bert@anna.example'];
// At the positions behind those.
const EVENTS = [
  { description: 'moved from 10.0.0.1 to 10.0.0.2' },
  { userId: 'anna@bert.example', description: 'read /etc/ssh/sshd_config twice' },
  { userId: 'bert@anna.example', description: 'version v1.12.3 of the last one' },
  { description: 'request 3f2504e0-4f89-11d3-9a0c-0305e82c3301', action: 'one the last' },
  { description: '東京都の電話番号を変更しました', resourceId: '京都' },
  { description: '서울특별시에서 로그인', userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/126.0' },
  { description: 'ลบผู้ใช้งานออกจากระบบ', sessionId: 'sess_9f-Ab.77' },
  {
    oldValues: { name: 'Apollo13', members: ['anna', 'bert'], limit: 1.5 },
    newValues: { name: 'Zeus13', members: ['bert', { deepest: 'The Hague' }], limit: 15 },
  },
  { description: 'the last', details: { secretly: 'nowhere' } },
];
const AT = FORMER.length;
const LAST = AT + EVENTS.length - 1;

let database: TestDatabase;
let pool: Pool;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  pool = createPool(database.url, () => undefined);
  await createHead(pool, 20);
  await recordFormer();
  service = await startService(database.url);
  const input = EVENTS.map((event) => ({ eventType: 'DATA_READ' as const, ...event }));
  dataOf(await service.ask(LOG_EVENTS, { input: input as never }));
});

/** Records events as a version before migration 0060 did. */
async function recordFormer(): Promise<void> {
  const [check] = (
    await pool.query<{ name: string; definition: string }>(
      `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = 'audit_events'::regclass AND conname LIKE '%0060'`,
    )
  ).rows;
  expect(check?.definition).toContain('NOT VALID');
  await pool.query(`ALTER TABLE audit_events DROP CONSTRAINT ${check?.name}`);
  const appender = createAppender(pool);
  const events = FORMER.map((description) => {
    const draft = {
      eventType: 'data.read',
      outcome: 'success',
      severity: 'info',
      action: 'data.read',
    } as const;
    const event = prepareEvent({ ...draft, description, details: {} }, Date.now(), '');
    return { ...event, searchWords: formerSearchWords(event.record) };
  });
  await appender.append({ events, paths: [] });
  await appender.close();
  await pool.query(`ALTER TABLE audit_events ADD CONSTRAINT ${check?.name} ${check?.definition}`);
}

const FIND = graphql(`
  query FindPositions($search: String) {
    auditEvents(filter: { search: $search }, orderBy: POSITION_ASC) {
      edges { node { position } }
    }
  }
`);

async function find(search: string): Promise<string[]> {
  const { edges } = dataOf(await service.ask(FIND, { search })).auditEvents;
  return edges.map(({ node: { position } }) => (position < AT ? `former ${position}` : `${position - AT}`));
}

describe('a search', () => {
  test.each([
    // One token matches in its order, whatever stands between its parts.
    ['10.0.0.1', ['former 0', '0']],
    ['1.0.0.10', ['former 0']],
    ['0.0.10', ['former 0']],
    ['10.0.0.2', ['0']],
    ['10.0.0', ['former 0', '0']],
    ['anna@bert.example', ['former 2', '1']],
    ['bert@anna.example', ['former 2', '2']],
    ['/etc/ssh/sshd_config', ['1']],
    ['/ssh/etc', []],
    ['v1.12.3', ['2']],
    ['1.12.3', []],
    ['v3.12.1', []],
    ['3f2504e0-4f89-11d3-9a0c-0305e82c3301', ['3']],
    ['4f89-3f2504e0-11d3-9a0c-0305e82c3301', []],
    // Terms match anywhere, each in its order.
    ['10.0.0.2 10.0.0.1', ['0']],
    ['last the', ['2', '3', '8']],
    ['"the last"', ['2', '3', '8']],
    ['"last the"', []],
    ['"the last one"', ['2']],
    ['"one THE last"', ['3']],
    ['"the last one', ['2']],
    // Nothing reaches from one text into the next: of event 3 the action ends where the description begins.
    ['"the last request"', []],
    ['last.request', []],
    // Beginnings of words.
    ['3f2504*', ['3']],
    ['exam*', ['1', '2']],
    ['example', ['former 2', '1', '2']],
    ['exa*', ['1', '2']],
    ['examples*', []],
    ['/etc/ss*', ['1']],
    ['/ssh/ss*', ['1']],
    ['10.0.0.*', ['former 0', '0']],
    // Scripts without blanks, by parts.
    ['電話', ['4']],
    ['電話番号', ['4']],
    ['番号電話', []],
    ['東京', ['4']],
    ['京都', ['4']],
    ['"東京都の電話"', ['4']],
    ['東京 番号', ['4']],
    ['東京番号', []],
    ['語', ['former 1']],
    ['日本', ['former 1']],
    ['号', ['4']],
    ['특별시', ['5']],
    ['로그인', ['5']],
    ['별특', []],
    ['ผู้ใช้', ['6']],
    ['ใช้ผู้', []],
    // Texts that were not searched before.
    ['sess_9f-Ab.77', ['6']],
    ['Firefox/126.0', ['5']],
    ['126.Firefox', []],
    ['Apollo13', ['7']],
    ['Zeus13', ['7']],
    ['deepest hague', ['7']],
    ['"the hague"', ['7']],
    ['1.5', ['7']],
    ['5.1', []],
    ['members', ['7']],
    ['nowhere', []],
    // What is left out.
    ['last -one', ['8']],
    ['-one last', ['8']],
    ['last -"the last"', []],
    ['last -“the last one”', ['3', '8']],
    ['example -bert@anna.example', ['1']],
    ['example -anna', []],
    ['10.0.0.1 -10.0.0.2', ['former 0']],
    ['moved -10.0.0.10 -1.0.0.10', ['0']],
    ['moved -mov*', ['former 0']],
    ['the -exa* -las*', ['former 2', '7']],
    ['日本 -語', []],
    ['電話 -京都', []],
    ['電話 -京東', ['4']],
    ['last -LAST', []],
    ['last -nowhere', ['2', '3', '8']],
    // A hyphen that leaves nothing out.
    ['"-one" last', ['2', '3']],
    ['last --one', ['2', '3']],
    ['last - one', ['2', '3']],
    ['last -> one', ['2', '3']],
    ['"last"-one', ['2', '3']],
    ['sess-9f', ['6']],
    ['4f89-11d3', ['3']],
  ])('for %s finds %j', async (search, expected) => {
    expect(await find(search)).toEqual(expected);
  });

  test('finds the same whichever way events are read', async () => {
    for (const search of ['last the', '"the last"', 'las*', 'LAST'])
      expect(await readEveryWay(service, { search }, LAST), search).toEqual(
        readingsOf([AT + 2, AT + 3, LAST]),
      );
    expect(await readEveryWay(service, { search: '"last the"' }, null)).toEqual(readingsOf([], false));
    expect(await readEveryWay(service, { search: '1.0.0.10' }, 0)).toEqual(readingsOf([0]));
    expect(await readEveryWay(service, { search: 'last -one -"of the"' }, LAST)).toEqual(readingsOf([LAST]));
  });

  test.each([
    'ab*',
    'last ""',
    'last -""',
    'last -ab*',
    '-last',
    '-"the last"',
    '-last -one ->',
    'a.'.repeat(129),
    Array.from({ length: 33 }, (_, n) => `a.${n}`).join(' '),
    `a${Array.from({ length: 33 }, (_, n) => ` -a${n}`).join('')}`,
  ])('for %s is refused', async (search) => {
    expect(await readEveryWay(service, { search })).toEqual(refusalsOf('filter.search'));
  });

  test.each(['10.0.0.1', 'exam*', '日本語', '"the last"', 'last -one'])(
    'for %s goes through the index',
    async (text) => {
      const client = await pool.connect();
      await client.query('SET enable_seqscan = off');
      await client.query('SET enable_indexscan = off');
      const where = whereOf([{ search: parseSearch(text, '') }]);
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN SELECT position FROM audit_segments.s00000000 WHERE ${where.text}`,
        where.values,
      );
      client.release(true);
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index Cond: \(search_words @>/);
    },
  );
});

test('the events with words of the former form end where the first of the present form is', async () => {
  expect(await findFormerWordsEnd(prismaOn(pool))).toBe(AT);
  const empty = await createDatabase();
  const other = createPool(empty.url, () => undefined);
  await createHead(other, 20);
  expect(await findFormerWordsEnd(prismaOn(other))).toBe(0);
  await other.end();
  await empty.drop();
});

test('words of the former form are refused from now on', async () => {
  const appender = createAppender(pool);
  const event = prepareEvent(
    {
      eventType: 'data.read',
      outcome: 'success',
      severity: 'info',
      action: 'a',
      description: '',
      details: {},
    },
    Date.now(),
    '',
  );
  await expect(appender.append({ events: [{ ...event, searchWords: ['a'] }], paths: [] })).rejects.toThrow();
  await appender.close();
});
