import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { PROVIDERS } from '../../../../src/events/redact/token-index.ts';
import { measureFolder, measureRecords } from './logs.ts';
import { measureForms, NUMBERS, rateOf, redactText, TOKENS, wholeForms } from './measured-forms.ts';

const LEAST = 0.99;
const MOST_FALSE = 0.005;

describe('the labelled forms', () => {
  const tokens = measureForms(TOKENS, 2);
  const numbers = measureForms(NUMBERS, 2);
  const missed = (results: typeof tokens) => results.flatMap((result) => result.missed).slice(0, 10);

  test('are more than 189 of tokens, none twice', () => {
    expect(TOKENS.length).toBeGreaterThan(189);
    expect(new Set(TOKENS.map(({ name }) => name)).size).toBe(TOKENS.length);
  });

  test('99 % of the forms of tokens are caught whole in all six places', () => {
    const plain = tokens.filter(({ encoding }) => encoding === 'as it is');
    expect(new Set(plain.map(({ place }) => place)).size).toBe(6);
    expect(wholeForms(plain).whole.length / TOKENS.length, missed(plain).join('\n')).toBeGreaterThanOrEqual(
      LEAST,
    );
  });

  test.each([...new Set(tokens.map(({ encoding }) => encoding))])('tokens %s, 99 of 100', (encoding) => {
    const encoded = tokens.filter((result) => result.encoding === encoding);
    expect(rateOf(encoded), missed(encoded).join('\n')).toBeGreaterThanOrEqual(LEAST);
  });

  test.each([...new Set(numbers.map(({ group }) => group))])(
    '%s with every separator, 99 of 100',
    (group) => {
      const results = numbers.filter((result) => result.group === group);
      expect(rateOf(results), missed(results).join('\n')).toBeGreaterThanOrEqual(LEAST);
    },
  );
});

describe('what is no secret', () => {
  test('stays: at most 0.5 % of records of real kinds of logs are changed', () => {
    const { events, changedEvents, changed } = measureRecords(100);
    expect(changedEvents / events, changed.slice(0, 10).join('\n')).toBeLessThanOrEqual(MOST_FALSE);
  });

  test('the samples of logs are as they were', () => {
    const samples = fileURLToPath(new URL('../../../cli/samples', import.meta.url));
    expect(measureFolder(samples)).toMatchObject({ changedEvents: 0, changed: [] });
  });

  test.each([
    ['a wrong check digit', '4111 1111 1111 1112, DE88 3704 0044 0532 0130 00'],
    ['groups with different separators', '4111-1111 1111/1111'],
    ['a part of a longer row', '1234-4111-1111-1111-1111, 4111.1111.1111.1111.5'],
    ['a column of numbers', '4111\n1111\n1111\n1111'],
    [
      'names that begin like tokens',
      'sk-navigation-panel-v2, live_updates_of_the_customer_dashboard, pa-roll',
    ],
    ['base64 of a text without a secret', Buffer.from('the quick brown fox jumps').toString('base64')],
    ['an escape at the end', 'a%2, %, \\, \\u12'],
  ])('%s', (_, text) => {
    expect(redactText(text)).toBe(text);
  });
});

test('every provider names the page that documents its forms', () => {
  expect(PROVIDERS.filter(({ source }) => !/^(?:https:\/\/|src\/)\S+$/.test(source))).toEqual([]);
  expect(PROVIDERS.filter(({ forms, weak = [] }) => forms.length + weak.length === 0)).toEqual([]);
});
