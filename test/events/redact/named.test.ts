import { describe, expect, test } from 'vitest';
import { createNameSensitivity } from '../../../src/events/redact/name-sensitivity.ts';
import { REDACTED } from '../../../src/events/redact/replacement.ts';
import { MORE_NAMES } from '../../../src/events/redact/secret-names.ts';
import { createTextRedaction } from '../../../src/events/redact/text.ts';
import { ALIKE, ENGLISH, ORDINARY_TEXTS, OTHER_LANGUAGES, SECRET, SHAPES, TEXTS } from './labels-named.ts';
import { redactDetails } from './redact-details.ts';

const sensitivityOf = createNameSensitivity();
const { redactText } = createTextRedaction(sensitivityOf, []);
const isKept = (name: string) => redactDetails({ [name]: SECRET })[name] === SECRET;

describe('names', () => {
  test.each([
    ['English', ENGLISH],
    ['other languages', OTHER_LANGUAGES],
  ])('%s: what is a text under them goes', (_, names) => {
    expect(names.filter(isKept)).toEqual([]);
  });

  test('every name of the table, in the spellings of keys', () => {
    const kept = Object.values(MORE_NAMES)
      .flat()
      .flatMap((name) => [
        name,
        name.toUpperCase(),
        name.replaceAll('_', '-'),
        name.replaceAll('_', ' '),
        name.replaceAll('_', ''),
        name.replace(/_(\p{L})/gu, (_, letter: string) => letter.toUpperCase()),
        `user_${name}`,
        `${name}_1`,
        `${name}_value`,
      ])
      .filter(isKept);
    expect(kept).toEqual([]);
  });

  test('names that only look alike stay', () => {
    expect(ALIKE.filter((name) => !isKept(name))).toEqual([]);
  });

  test('what is a secret under a name: counts, answers and descriptions stay', () => {
    const kept = {
      pass: 12,
      cookies: 3,
      otp: true,
      pwd: null,
      pin: { status: 'blocked' },
      credentials: { accessKeyId: 'x', expiration: 'y' },
      authorization: { role: 'owner' },
    };
    expect(redactDetails(kept)).toEqual(kept);
    expect(redactDetails({ pin: 1234, credentials: { pass: 'x', user: 'bob' } })).toEqual({
      pin: REDACTED,
      credentials: { pass: REDACTED, user: 'bob' },
    });
  });
});

describe('shapes', () => {
  const shown = (value: unknown) =>
    JSON.stringify(value).replace(new RegExp(`"[^"]*${SECRET}[^"]*"`, 'g'), `"${REDACTED}"`);

  test.each(SHAPES)('%s', (_, details) => {
    expect(JSON.stringify(redactDetails(details))).toBe(shown(details));
  });

  test('what only looks like them stays', () => {
    const kept = {
      fields: ['password', 'email'],
      list: [
        ['a', 'b'],
        ['password', 'email', 'name'],
      ],
      a: { name: 'password', required: true, type: 'string' },
      b: { key: 'color', value: 'red' },
      c: { path: '/etc/passwd', mode: 420 },
      d: { op: 'move', from: '/a', path: '/user/pin' },
      argv: ['--password', '--user', 'bob'],
      headers: ['Accept', '*/*', 'Host'],
    };
    expect(redactDetails(kept)).toEqual(kept);
  });

  test('a rule for a field goes before them', () => {
    const details = { a: [{ name: 'password', value: SECRET }], cookies: { sid: SECRET } };
    expect(redactDetails(details, 'details.a.value:keep', 'details.cookies:keep')).toEqual(details);
  });
});

describe('texts', () => {
  test.each(TEXTS)('%s', (labelled) => {
    const text = labelled.replace(/[⟦⟧]/g, '');
    const expected = labelled.replace(/⟦.*?⟧/gs, REDACTED);
    expect(redactText(text)).toBe(expected);
    expect(redactText(expected)).toBe(expected);
  });

  test('sentences and counts stay', () => {
    expect(ORDINARY_TEXTS.map(redactText)).toEqual(ORDINARY_TEXTS);
  });
});
