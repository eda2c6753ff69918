import { beforeAll, describe, expect, test } from 'vitest';
import { canonicalDraft, canonicalEvent, canonicalObjects } from '../../src/events/canonical.ts';
import type { JsonObject, JsonValue } from '../../src/events/fields.ts';
import { createNameSensitivity } from '../../src/events/redact/name-sensitivity.ts';
import { createTextRedaction } from '../../src/events/redact/text.ts';
import { formerWordsOf, parseSearch, searchWords, wordsOf } from '../../src/events/search.ts';
import { partsOf, patternsOf } from './adversarial/families.ts';
import { draftWith, redactionOf } from './redact/redact-details.ts';

/** Sizes in characters, or in members. */
const TEXT = 2_000;
const MEMBERS = 600;
/** A member has about so many characters. */
const MEMBER_LENGTH = 20;
const TIMES = [1, 4, 16] as const;
const LARGEST = 16;
// Sixteen times the size takes sixteen times as long; the square would be 256.
const MAX_GROWTH = 60;
/** Below this the clock of the processor says nothing. */
const SHORTEST_US = 100;
const ROUNDS = 4;
/** Most time for a character, in those that an ordinary text takes for one: the speed of the machine does not matter. */
const MAX_COST = 120;
/** The same for a character of a member. Keys that are tokens take 20. */
const MAX_MEMBER_COST = 30;
/** Of a machine on which ordinary texts take less, the time for a character is taken for this. */
const SHORTEST_UNIT_US = 0.008;

// Beginnings, ends and middles that the generator does not think of.
const BY_HAND = [
  ...[
    'eyJ-',
    'eyJaaaaaaaaaaaa.',
    'AAAAAAAAAAAAAAAAAAAAAA',
    '://',
    '://a',
    '://a:',
    '://a:b',
    '://_',
    '@',
    ':@',
  ],
  ...[
    'sig=',
    'sig==',
    '8Q~',
    '+ASt',
    '-us1',
    'password=\\"',
    '"password":"',
    "token '",
    'token=&a',
    'secret=a,',
  ],
  ...['secret=a)', '<password>', '--password ', 'Cookie: a="', 'cvctoken', '[REDACTED]', 'bearer+aaaaaaaa='],
  ...[
    'basic aaaaaaaa ',
    'Basic Ojo6Ojo6',
    ' -u a:',
    'authorization:',
    '4111 ',
    '4111-1111-',
    '41',
    'DE89 3704 ',
  ],
  ...[
    '1234567:A',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    'Private-Lines: 1',
    '%3D',
    '\\n',
    '\\',
    'a',
    '1',
  ],
  ...[
    '.',
    '_',
    ' ',
    '"',
    "'",
    '\n',
    '&',
    ';',
    'é',
    '日',
    '😀',
    '\u0001',
    '\ufdfa',
    '\u0315\u0300',
    'ﾞ\u0315',
    'aB',
    'token ',
  ],
  ...[
    'Content-Disposition: form-data; name="a"\r\n\r\n',
    '--a\r\n',
    'Authorization: Digest a="b", ',
    'authorization: x ',
  ],
  ...['name: a, value: ', '["authorization",', '/password", "value": "'],
];
const ENDS = ['', '\u0000', '=@"'];

/** A part that is repeated, and what comes after it. */
interface Family {
  part: string;
  end: string;
}

let families: Family[] = [];

beforeAll(async () => {
  const patterns = await patternsOf();
  expect(patterns.length).toBeGreaterThan(40);
  const parts = [...new Set([...BY_HAND, ...patterns.flatMap(partsOf)])];
  // The forms of tokens are no regular expressions: `redact/labels/linear.law.ts` repeats the beginning of each.
  expect(parts.length).toBeGreaterThan(800);
  // Every part with one of the ends, those by hand with each.
  families = parts.flatMap((part, at) =>
    ENDS.filter((_, index) => at < BY_HAND.length || index === at % ENDS.length).map((end) => ({
      part,
      end,
    })),
  );
}, 120_000);

/** Processor time, which other processes do not add to. */
function microsecondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function bestOf(rounds: number, work: () => void): number {
  return Math.min(...Array.from({ length: rounds }, () => microsecondsOf(work)));
}

/** What is wrong with the growth of the work on an input; undefined: nothing. */
function growthProblem(sizes: readonly (() => void)[]): string | undefined {
  const [, , largest = () => undefined] = sizes;
  if (microsecondsOf(largest) < SHORTEST_US * MAX_GROWTH) return undefined;
  const times = sizes.map((work) => Math.max(SHORTEST_US, bestOf(ROUNDS, work)));
  const [once = 0, , sixteen = 0] = times;
  return sixteen / once > MAX_GROWTH ? `took ${times.join(', ')} µs` : undefined;
}

/** The time that `work` takes for a character of an ordinary text, in microseconds. */
function unitOf(work: (text: string) => void): number {
  const ordinary = 'the user bob.smith@example.com was added to project 17 by an administrator, '.repeat(400);
  return Math.max(SHORTEST_UNIT_US, bestOf(3 * ROUNDS, () => work(ordinary)) / ordinary.length);
}

/** The problems of `work` on texts: its growth, and its cost for a character beside an ordinary text's. */
function problemsOf(texts: readonly Family[], work: (text: string) => void): string[] {
  const unit = unitOf(work);
  return texts.flatMap(({ part, end }) => {
    const sizes = TIMES.map((times) => part.repeat(Math.ceil((times * TEXT) / part.length)) + end);
    const shown = `${JSON.stringify(part)} and ${JSON.stringify(end)}`;
    const growth = growthProblem(sizes.map((text) => () => work(text)));
    if (growth !== undefined) return [`${shown}: ${growth}`];
    const longest = sizes.at(-1) ?? '';
    const most = unit * MAX_COST * longest.length;
    if (microsecondsOf(() => work(longest)) <= most) return [];
    const time = bestOf(ROUNDS, () => work(longest));
    // Unicode makes up to 18 characters of one.
    const { length } = longest.normalize('NFKC');
    const times = time / length / unit;
    return times <= MAX_COST ? [] : [`${shown}: ${times.toFixed()} times an ordinary text`];
  });
}

describe('texts: the time grows with the length and no faster, and has a bound for each character', () => {
  const sensitivityOf = createNameSensitivity();
  const { redactText } = createTextRedaction(sensitivityOf, []);
  const canonical = (text: string) => {
    const draft = draftWith({ details: { text, [text]: [text] } });
    canonicalDraft(draft, canonicalObjects(draft));
    canonicalEvent({ ...draft, id: text, salt: '', timestamp: 0, recordedAt: 0 });
  };
  const eventWith = (text: string) => ({
    ...draftWith({ oldValues: { [text]: text }, newValues: { text: [text] } }),
    timestamp: 0,
  });
  const searched = (text: string) => {
    try {
      parseSearch(text, 'search');
    } catch (error) {
      expect(error).toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  };
  test('redaction', { timeout: 300_000 }, () => {
    expect(problemsOf(families, redactText)).toEqual([]);
  });

  // These run few patterns: some of the families of the others are enough.
  test.each([
    ['canonical form', canonical],
    ['words', (text: string) => void wordsOf(text)],
    ['former words', (text: string) => void formerWordsOf(text)],
    ['search words of values', (text: string) => void searchWords(eventWith(text))],
    ['search texts', searched],
    ['judgement of a key', (text: string) => void sensitivityOf(text)],
  ])('%s', { timeout: 300_000 }, (_, work) => {
    const some = families.filter((_family, at) => at < ENDS.length * BY_HAND.length || at % 20 === 0);
    expect(problemsOf(some, work)).toEqual([]);
  });
});

/** Objects of so many members or elements. */
const OBJECTS: Record<string, (count: number) => JsonObject> = {
  'keys that are one after redaction': (count) => numbered(count, (at) => `pwd=a${at}1`),
  'keys that are one, and the names that they get': (count) => ({
    ...numbered(count / 2, (at) => `[REDACTED] ${at}`),
    ...numbered(count / 2, (at) => `pwd=[REDACTED] ${at}`),
    ...numbered(count / 2, (at) => `pwd=a${at}1`),
  }),
  'keys that are tokens': (count) => numbered(count, (at) => `AKIA${String(at).padStart(16, 'A')}`),
  'keys with one beginning': (count) => numbered(count, (at) => `${'a'.repeat(60)}${at}`),
  'sensitive keys': (count) => numbered(count, (at) => `password${at}`),
  'keys of numbers': (count) => numbered(count, (at) => String(count - at)),
  'numbers like cards': (count) => ({ list: elements(count, () => 4111111111111112) }),
  'texts like cards': (count) => ({ list: elements(count, () => '4111 1111 1111 1112') }),
  'pairs of name and value': (count) => ({ list: elements(count, () => ({ name: 'password', value: 'a' })) }),
  tuples: (count) => ({ list: elements(count, () => ['authorization', 'a']) }),
  'a flat list of headers': (count) => ({ list: elements(count, (at) => (at % 2 ? 'a' : 'authorization')) }),
  'a list that is nearly one of headers': (count) => ({ list: elements(count, () => 'authorization') }),
  'a list under a sensitive name': (count) => ({ cookie: elements(count, (at) => `sid=${at}`) }),
  'objects in objects, and lists': (count) => ({ list: elements(count / 32, () => nested(30)) }),
  'a list in lists': (count) => ({
    list: wrapped(
      elements(count, () => 'a'),
      30,
    ),
  }),
};

function numbered(count: number, nameOf: (at: number) => string): JsonObject {
  return Object.fromEntries(elements(count, (at) => [nameOf(at), 1] as const));
}

function elements<Element>(count: number, make: (at: number) => Element): Element[] {
  return Array.from({ length: Math.floor(count) }, (_, at) => make(at));
}

function nested(depth: number): JsonValue {
  return depth === 0 ? 'pwd=a' : { a: nested(depth - 1) };
}

function wrapped(value: JsonValue, depth: number): JsonValue {
  return depth === 0 ? value : [wrapped(value, depth - 1)];
}

describe('objects: the time grows with the number of members and no faster', () => {
  const redaction = redactionOf();
  const objects = Object.entries(OBJECTS).map(([name, make]) => ({ name, make }));
  test.each(objects)('$name', { timeout: 120_000 }, ({ make }) => {
    const drafts = TIMES.map((times) => draftWith({ details: make(times * MEMBERS) }));
    expect(growthProblem(drafts.map((draft) => () => redaction.event(draft, 'input')))).toBeUndefined();
    expect(growthProblem(drafts.map((draft) => () => canonicalObjects(draft)))).toBeUndefined();
    const largest = drafts.at(-1);
    // Both times of a round are taken one after the other, since the machine may be slower for a while.
    const costs = Array.from({ length: ROUNDS }, () => {
      const unit = unitOf((text) => redaction.event(draftWith({ details: { text } }), 'input'));
      const time = microsecondsOf(() => largest && redaction.event(largest, 'input'));
      return time / (unit * MEMBER_LENGTH * LARGEST * MEMBERS);
    });
    expect(Math.min(...costs)).toBeLessThan(MAX_MEMBER_COST);
  });
});
