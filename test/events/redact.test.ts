import { expect, test } from 'vitest';
import { createRedact, REDACTED } from '../../src/events/redact.ts';

const redact = createRedact(['pin_code']);
const isRedacted = (key: string) => redact({ [key]: 'x' })[key] === REDACTED;

test.each([
  ['password', 'PASSWORD', 'userPassword', 'user_password', 'userpassword', 'passwordHash', 'passwords'],
  ['secret', 'clientSecret', 'SECRET_KEY', 'accesstoken', 'access-token', 'tokens', 'refreshToken2'],
  ['apiKey', 'API-Key', 'x-api-key', 'APIKey', 'api.key', 'apikey', 'X_API_KEYS', 'myapikey'],
  ['creditCard', 'credit_card_number', 'ssn', 'userSSN', 'taxId', 'tax-id', 'bankAccount', 'ROUTING_NUMBER'],
  ['pinCode', 'PIN-CODE'],
])('%s and its spellings', (...keys) => {
  expect(keys.filter((key) => !isRedacted(key))).toEqual([]);
});

test('names that only look similar stay', () => {
  const keys = [
    'tokenizer',
    'secretary',
    'tokenization',
    'className',
    'classN',
    'pass',
    'account',
    'number',
    'key',
  ];
  expect(keys.filter(isRedacted)).toEqual([]);
});

test('at every depth, inside arrays, whatever the value; the key stays', () => {
  expect(redact({ a: [{ b: [{ token: { c: 1 } }] }], token: null })).toEqual({
    a: [{ b: [{ token: REDACTED }] }],
    token: REDACTED,
  });
});
