import { expect, test } from 'vitest';
import { createNameSensitivity } from '../../../src/events/redact/name-sensitivity.ts';
import { REDACTED } from '../../../src/events/redact/replacement.ts';
import { SENSITIVE_NAMES } from '../../../src/events/redact/secret-names.ts';
import { redactDetails } from './redact-details.ts';

const sensitivityOf = createNameSensitivity(['pin_code']);
const isRedacted = (key: string) => sensitivityOf(key) === 'any';

test.each([
  ['password', 'PASSWORD', 'userPassword', 'user_password', 'userpassword', 'passwordHash', 'passwords'],
  ['secret', 'clientSecret', 'SECRET_KEY', 'accesstoken', 'access-token', 'tokens', 'refreshToken2'],
  ['apiKey', 'API-Key', 'x-api-key', 'APIKey', 'api.key', 'apikey', 'X_API_KEYS', 'myapikey'],
  ['creditCard', 'credit_card_number', 'ssn', 'userSSN', 'taxId', 'tax-id', 'bankAccount', 'ROUTING_NUMBER'],
  ['pinCode', 'PIN-CODE'],
])('%s and its spellings', (...keys) => {
  expect(keys.filter((key) => !isRedacted(key))).toEqual([]);
});

test('each of the nine names in every spelling', () => {
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
  const spellings = SENSITIVE_NAMES.flatMap((name) => {
    const words = name.split('_');
    const camel = words.map((word, index) => (index === 0 ? word : capital(word))).join('');
    const pascal = words.map(capital).join('');
    const bases = [words.join('_'), words.join('-'), words.join(' '), words.join('.'), words.join('')];
    const all = [
      ...bases,
      camel,
      pascal,
      ...bases.map((base) => base.toUpperCase()),
      words.map(capital).join('-'),
    ];
    const around = all.flatMap((base) => [
      base,
      `${base}s`,
      `user_${base}`,
      `x-${base}`,
      `db.${base}`,
      `${base}_1`,
    ]);
    return [
      ...around,
      `user${pascal}`,
      `${camel}Value`,
      `${camel}2`,
      `old${pascal}Hash`,
      `${words.join('')}value`,
      `my${words.join('')}`,
      `user[${words.join('_')}]`,
      `[${camel}]`,
      `"${camel}"`,
      `__${words.join('_')}__`,
      `${words.join('__')}`,
    ];
  });
  expect(spellings.length).toBeGreaterThan(500);
  expect(spellings.filter((key) => !isRedacted(key))).toEqual([]);
});

test('a key that says something about a secret stays', () => {
  const keys = [
    'passwordResetRequired',
    'PasswordLastUsed',
    'password_changed_at',
    'tokenType',
    'token_expires_in',
    'tokenId',
  ];
  expect([...keys, 'secretArn', 'secret-name', 'tokenCount', 'api_key_id'].filter(isRedacted)).toEqual([]);
  expect(
    ['secret_id', 'passwordResetToken', 'creditCardType', 'token_id_token'].filter(isRedacted),
  ).toHaveLength(4);
});

test('some names make texts and numbers secrets, and are looked through otherwise', () => {
  const headers = {
    Authorization: 'x',
    cookie: 'a=1',
    'Set-Cookie': 'b',
    proxyAuthorization: 'c',
    userPwd: 1,
    cvv: 123,
  };
  const shown = Object.fromEntries(Object.keys(headers).map((key) => [key, REDACTED]));
  expect(redactDetails(headers)).toEqual(shown);
  const kept = {
    '/etc/passwd': 'x',
    authorization: { role: 'owner' },
    authorizationMode: 'rbac',
    cookies: 3,
    publicKey: 'k',
    private_key_id: 'k',
  };
  expect(redactDetails(kept)).toEqual(kept);
});

test('identifiers of AWS stay under their own names alone', () => {
  const id = ['AK', 'IA', 'QWERTYUIOPASDFGH'].join('');
  const secretId = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-a1B2c3';
  expect(redactDetails({ accessKeyId: id, access_key_id: id, principalId: id, secretId })).toEqual({
    accessKeyId: id,
    access_key_id: id,
    principalId: id,
    secretId,
  });
  expect(redactDetails({ key: id, secretId: 'prod/db', password: secretId })).toEqual({
    key: REDACTED,
    secretId: REDACTED,
    password: REDACTED,
  });
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
  expect(redactDetails({ a: [{ b: [{ token: { c: 1 } }] }], token: null })).toEqual({
    a: [{ b: [{ token: REDACTED }] }],
    token: REDACTED,
  });
});
