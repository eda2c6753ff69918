import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from '../src/parse-json.ts';

/** Each key stands as it was, also behind keys that Node 24's own parser would take it for. */
const KEYS = ['\\', '"', '\n', 'a\\', 'a"', 'C:\\', 'C:"', '\\u', 'Ab', '\\\\', '\\"', '__proto__', ''];

test('a key with an escape is itself, whatever was parsed before', () => {
  for (const before of KEYS)
    for (const key of KEYS) {
      for (const first of [[], 1])
        for (let time = 0; time < 3; time += 1)
          parseJson(`{"h":${JSON.stringify(first)},${JSON.stringify(before)}:1}`);
      expect(Object.keys(parseJson(`{"h":[],${JSON.stringify(key)}:1}`) as object)).toEqual(
        key === 'h' ? ['h'] : ['h', key],
      );
    }
});

test('reads what JSON.stringify wrote, pretty or not', () => {
  const key = fc.oneof(fc.constantFrom(...KEYS), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 3 }),
      fc.dictionary(key, fc.jsonValue()),
      fc.nat(2),
      (some, more, blanks) => {
        const value = { some, more: Object.entries(more), [Object.keys(more)[0] ?? 'none']: more };
        const text = JSON.stringify(value, undefined, blanks);
        expect(JSON.stringify(parseJson(text), undefined, blanks)).toBe(text);
      },
    ),
    { numRuns: 500 },
  );
});

test('a name by an escape is the same name', () => {
  const value = parseJson('{"\\u005f_proto__": {"\\u0061": 1}, "b" : "\\u0061:"}');
  expect(Object.entries(value as object)).toEqual([
    ['__proto__', { a: 1 }],
    ['b', 'a:'],
  ]);
});

test.each([
  '',
  '{',
  '{"\\x":1}',
  '{"a\\":1}',
  '{"\\n":1',
  '{"\\n":1}}',
  '["\\n":1]',
  '{"\\n" 1}',
  '{"\\n"\u00a0:1}',
])('refuses %j as JSON.parse does', (text) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
  expect(() => parseJson(text)).toThrow(SyntaxError);
});
