import { beforeAll, describe, expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { openStream, resultsOf } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { ALL_NAUGHTY, NAUGHTY, UNKEEPABLE } from './naughty.ts';
import { TRANSPORTS } from './transports.ts';

const TEXTS = 'userId customerId sessionId requestId userAgent resourceType resourceId action description';
const FIELDS = `${TEXTS} details oldValues newValues`;
const LOG = `mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { results { event { ${FIELDS} } } } }`;
const LIST = `{ auditEvents(orderBy: POSITION_ASC, first: 1000) { edges { node { ${FIELDS} } } } }`;
const FIND = `query ($filter: AuditEventFilter) { auditEvents(filter: $filter) { edges { node { ${FIELDS} } } } }`;

interface Event extends Record<string, unknown> {
  details: Record<string, unknown>;
}

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

interface Logged {
  logEvents: { results: { event: Event }[] };
}
interface Listed {
  auditEvents: { edges: { node: Event }[] };
}

/** An event with the text in every field that takes text, and in every place of JSON. */
function eventOf(text: string): Event {
  const everywhere = Object.fromEntries(TEXTS.split(' ').map((field) => [field, text]));
  // A name that must not be blank, and one that JSON cannot keep.
  const action = text.trim() === '' ? `${text}blank` : text;
  const key = text === '__proto__' ? 'a' : text;
  const json = { [key]: text, list: [text, { [key]: [text] }] };
  return { ...everywhere, action, details: json, oldValues: { [key]: text }, newValues: { a: text } };
}

const EVENTS = ALL_NAUGHTY.map(eventOf);
const input = EVENTS.map((event) => ({ eventType: 'DATA_UPDATE', ...event }));
// Bytes, not what an equality may take for the same.
const bytesOf = (event: object) => Buffer.from(JSON.stringify(sorted(event))).toString('hex');

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).map(([key, member]) => [key, sorted(member)] as const);
  return entries.sort(([one], [other]) => (one < other ? -1 : 1));
}

test('there are enough of them', () => {
  expect(ALL_NAUGHTY.length).toBeGreaterThanOrEqual(150);
  expect(Object.keys(NAUGHTY).length).toBeGreaterThan(10);
});

describe('naughty strings come back byte for byte', () => {
  beforeAll(async () => {
    answered = dataOf(await service.ask<Logged>(LOG, { input })).logEvents.results;
  });
  let answered: { event: Event }[];

  test('in the answer', () => {
    expect(answered.map(({ event }) => bytesOf(event))).toEqual(EVENTS.map(bytesOf));
  });

  test.each(Object.entries(TRANSPORTS))('in the list, over %s', async (_name, open) => {
    const transport = await open(service);
    const { edges } = dataOf(await transport.ask<Listed>(LIST)).auditEvents;
    expect(edges.map(({ node }) => bytesOf(node))).toEqual(EVENTS.map(bytesOf));
    transport.close();
  });

  test('on the feed', async () => {
    const stream = await openStream(
      service.url,
      `subscription { auditEvents(after: "beginning") { node { ${FIELDS} } } }`,
    );
    const results = resultsOf<{ data: { auditEvents: { node: Event } } }>(stream);
    for (const event of EVENTS) {
      const { value } = await results.next();
      expect(bytesOf((value as { data: { auditEvents: { node: Event } } }).data.auditEvents.node)).toBe(
        bytesOf(event),
      );
    }
    stream.disconnect();
  });

  test('in a file', async () => {
    const { url } = dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' })).auditExport;
    const file = await fetch(url);
    const lines = (await file.text())
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    expect(lines.map(({ details, user_id }) => [bytesOf(details), user_id])).toEqual(
      EVENTS.map(({ details, userId }) => [bytesOf(details), userId]),
    );
  });

  test.each(Object.entries(NAUGHTY))('and are found as they are, no others: %s', async (_kind, texts) => {
    for (const text of texts) {
      for (const filter of [
        { userId: text },
        { action: eventOf(text).action },
        { details: eventOf(text).details },
      ]) {
        const { edges } = dataOf(await service.ask<Listed>(FIND, { filter })).auditEvents;
        expect(edges.map(({ node }) => node.userId)).toEqual([text]);
      }
    }
  });

  test('and can be searched for without harm', async () => {
    for (const search of ALL_NAUGHTY) {
      const { errors } = await service.ask(FIND, { filter: { search } });
      const [error] = errors ?? [];
      if (/[\p{L}\p{N}\p{M}]/u.test(search)) {
        // What may be wrong with one that has words: quotes around nothing, the beginning of a word that is too short, and
        // that all of it is to be left out.
        if (error)
          expect(error.message, search).toMatch(/has quotes without a word|needs 3 characters|without "-"$/);
      } else
        expect(error?.extensions, search).toMatchObject({ code: 'BAD_USER_INPUT', path: 'filter.search' });
    }
  });

  test('as literals of a document too', async () => {
    const literal = (text: string) =>
      JSON.stringify(text).replace(
        /[\u007f-\uffff]/g,
        (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    for (const text of ALL_NAUGHTY) {
      const query = `{ auditEvents(filter: { userId: ${literal(text)} }) { edges { node { userId } } } }`;
      const { data } = await service.ask(query);
      expect(data, text).toEqual({ auditEvents: { edges: [{ node: { userId: text } }] } });
    }
  });
});

describe('what could not come back is refused with its path', () => {
  test.each(UNKEEPABLE)('%s', async (_what, text) => {
    for (const field of [...TEXTS.split(' '), 'idempotencyKey']) {
      const { errors } = await service.ask(LOG, { input: [{ eventType: 'DATA_UPDATE', [field]: text }] });
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', path: `input[0].${field}` });
    }
    for (const details of [{ a: text }, { [text]: 1 }, { a: [{ b: text }] }]) {
      const { errors } = await service.ask(LOG, { input: [{ eventType: 'DATA_UPDATE', details }] });
      expect(errors?.[0]?.extensions).toMatchObject({
        code: 'BAD_USER_INPUT',
        path: expect.stringMatching(/^input\[0\]\.details\./),
      });
    }
  });

  test.each(UNKEEPABLE)('in a filter: %s', async (_what, text) => {
    for (const filter of [
      { userId: text },
      { search: text },
      { details: { a: text } },
      { categories: [text] },
    ]) {
      const { errors } = await service.ask(FIND, { filter });
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    }
  });
});
