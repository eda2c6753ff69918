import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AuditError } from '../../../src/errors.ts';
import { parseFieldRules } from '../../../src/events/redact/field-rules.ts';
import { REDACTED } from '../../../src/events/redact/replacement.ts';
import { draftWith, redactDetails, redactionOf } from './redact-details.ts';

const hashOf = (text: string) =>
  `hmac:${createHmac('sha256', 'the key of the tests').update(text).digest('hex').slice(0, 32)}`;

test.each([
  ['userId', 'must be FIELD'],
  ['userId:hide', 'must be FIELD'],
  ['userId:hash:keep', 'must be FIELD'],
  ['ipAddress:hash', 'an address cannot hold a hash'],
  ['customerId:hash', 'no field that may have a rule'],
  ['eventType:redact', 'no field that may have a rule'],
  ['constructor:keep', 'no field that may have a rule'],
  ['userId.x:hash', 'have paths'],
  ['details:redact', 'must name a path'],
  ['details..a:hash', 'empty part'],
])('%s is refused', (rule, why) => {
  expect(() => parseFieldRules(['userId:hash', rule])).toThrow(why);
});

describe('texts', () => {
  const secret = 'password=hunter2';
  test('without a rule secrets go and the rest stays', () => {
    const texts = { userId: secret, sessionId: secret, requestId: secret, userAgent: secret };
    const more = { resourceType: secret, resourceId: secret, action: secret, description: secret };
    const recorded = redactionOf().event(draftWith({ ...texts, ...more }), 'input');
    expect(recorded).toMatchObject(
      Object.fromEntries(Object.keys({ ...texts, ...more }).map((field) => [field, `password=${REDACTED}`])),
    );
  });

  test('redact, hash and keep', () => {
    const draft = draftWith({
      userId: 'alice',
      sessionId: 's-1',
      userAgent: secret,
      ipAddress: '203.0.113.7',
    });
    const rules = ['userId:hash', 'sessionId:redact', 'userAgent:keep', 'ipAddress:redact'];
    const recorded = redactionOf(...rules).event(draft, 'input');
    expect(recorded).toEqual({
      ...draftWith({}),
      userId: hashOf('alice'),
      sessionId: REDACTED,
      userAgent: secret,
    });
    expect(draft.userId).toBe('alice');
  });

  test('a hash is not hashed again', () => {
    const redaction = redactionOf('userId:hash');
    const recorded = redaction.event(draftWith({ userId: 'alice' }), 'input');
    expect(redaction.event(recorded, 'input')).toEqual(recorded);
  });

  test('a customer is nobody else: a credential in its id is refused, a number is not', () => {
    const event = (customerId: string) => redactionOf().event(draftWith({ customerId }), 'input[3]');
    expect(event('4111111111111111').customerId).toBe('4111111111111111');
    expect(() => event(secret)).toThrow(AuditError);
    expect(() => event(secret)).toThrow('input[3].customerId');
  });

  test('idempotency keys that hold different secrets stay two', () => {
    const keyOf = (idempotencyKey: string) =>
      redactionOf().event(draftWith({ idempotencyKey }), 'input').idempotencyKey;
    expect(keyOf('job-17')).toBe('job-17');
    expect(keyOf(secret)).toBe(hashOf(secret));
    expect(keyOf(`${secret}3`)).not.toBe(keyOf(secret));
  });
});

describe('members of objects', () => {
  const details = {
    email: 'a@example.com',
    user: { email: 'b@example.com', token: 'x' },
    list: [{ email: 'c@example.com' }, { email: null }],
    password: 'p',
  };

  test('a path, any key, and arrays on the way', () => {
    expect(
      redactDetails(details, 'details.email:hash', 'details.*.email:redact', 'details.password:keep'),
    ).toEqual({
      email: hashOf('a@example.com'),
      user: { email: REDACTED, token: REDACTED },
      list: [{ email: REDACTED }, { email: REDACTED }],
      password: 'p',
    });
  });

  test('a key itself goes before any key', () => {
    expect(
      redactDetails({ a: { x: 'token=1' }, b: { x: 'token=1' } }, 'details.*.x:redact', 'details.a.x:keep'),
    ).toEqual({
      a: { x: 'token=1' },
      b: { x: REDACTED },
    });
  });

  test('hashes of each element, of numbers and of whole objects', () => {
    const values = { a: ['x', 'y'], b: 7, c: { z: 1, y: [true] }, d: null };
    expect(redactDetails(values, 'details.*:hash')).toEqual({
      a: [hashOf('x'), hashOf('y')],
      b: hashOf('7'),
      c: hashOf('{"y":[true],"z":1}'),
      d: null,
    });
  });

  test('what holds nothing is the same object, and a draft is never changed', () => {
    const plain = { a: [{ b: 'c' }], d: 1 };
    expect(redactDetails(plain)).toBe(plain);
    const before = structuredClone(details);
    redactDetails(details, 'details.email:hash');
    expect(details).toEqual(before);
  });

  test('keys that are secrets themselves, none lost', () => {
    const key = (digit: number) => ['gh', 'p_', String(digit).repeat(36)].join('');
    expect(redactDetails({ a: 1, [key(1)]: 2, [key(2)]: { [key(3)]: 3 }, z: 4 })).toEqual({
      a: 1,
      [REDACTED]: 2,
      [`${REDACTED} 2`]: { [REDACTED]: 3 },
      z: 4,
    });
  });

  test('numbers of cards, as numbers', () => {
    expect(redactDetails({ a: 4111111111111111, b: 1732500000000, c: 12.5, d: [4111111111111112] })).toEqual({
      a: REDACTED,
      b: 1732500000000,
      c: 12.5,
      d: [4111111111111112],
    });
  });
});

test('filters find what was hashed, by the value and by the hash', () => {
  const rules = ['userId:hash', 'details.user.email:hash', 'newValues.email:hash', 'action:redact'];
  const { filter } = redactionOf(...rules);
  const wanted = {
    userId: 'alice',
    action: 'login',
    details: { user: { email: 'a@b.c', id: 1 }, n: [1] },
    oldValues: { email: 'a@b.c' },
    newValues: { email: 'a@b.c' },
  };
  const found = {
    ...wanted,
    userId: hashOf('alice'),
    details: { user: { email: hashOf('a@b.c'), id: 1 }, n: [1] },
    newValues: { email: hashOf('a@b.c') },
  };
  expect(filter(wanted)).toEqual(found);
  expect(filter(found)).toEqual(found);
  expect(filter({ userId: '', severities: ['info'] })).toEqual({ userId: '', severities: ['info'] });
});
