import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, describe, expect } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import {
  AUDIENCE,
  base64url,
  createIssuerKey,
  type IssuerKey,
  publicJwk,
  signToken,
  startIssuer,
  type TestIssuer,
} from '../../support/issuer.ts';
import { startService, type TestService } from '../../support/service.ts';
import { openSocket } from '../../support/socket.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
let issuer: TestIssuer;
let service: TestService;
/** Of somebody whom the service does not know. */
const stranger = createIssuerKey('ES256');

test.beforeAll(async ({ createDatabase, startService }) => {
  [database, issuer] = await Promise.all([createDatabase(), startIssuer('RS256')]);
  const es = createIssuerKey('ES256');
  const small = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  issuer.published.push(es, { kid: 'small', algorithm: 'RS256', ...small });
  issuer.answer = (response) => {
    const secret = {
      kty: 'oct',
      kid: 'shared',
      k: base64url('a secret of the issuer, published by mistake'),
    };
    const encrypting = { ...publicJwk(es), kid: 'encrypting', use: 'enc' };
    const given = es.privateKey.export({ format: 'jwk' });
    const keys = [
      ...issuer.published.map(publicJwk),
      secret,
      encrypting,
      { ...given, kid: 'private', alg: 'ES256' },
    ];
    response.end(JSON.stringify({ keys }));
  };
  service = await startService(database.url, {
    JWT_ISSUERS: issuer.setting,
    JWT_AUDIENCE: AUDIENCE,
    JWT_CLOCK_TOLERANCE_MS: '0',
    AUTH_FAILURES: '0',
  });
  expect(await refusalOf(service, issuer.token({ scope: 'events:read' }))).toBeUndefined();
});
afterAll(async () => {
  await issuer.close();
});

async function refusalOf(at: TestService, token: string): Promise<unknown> {
  const { errors } = await at.ask('{ auditEvents { totalCount } }', {}, token);
  return errors?.[0]?.extensions.code;
}

const rs = () => issuer.published[0] as IssuerKey;
const es = () => issuer.published[1] as IssuerKey;
const seconds = (from: number) => Math.floor(Date.now() / 1_000) + from;
const claimsText = () => partOf(issuer.token({ scope: 'admin' }), 1);

function partOf(token: string, index: number): string {
  return Buffer.from(token.split('.')[index] ?? '', 'base64url').toString();
}

function hmacToken(header: object, secret: string | Buffer): string {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(claimsText())}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** The token with one of its parts replaced. */
function withPart(index: number, part: (was: string) => string): string {
  return issuer
    .token({ scope: 'admin' })
    .split('.')
    .map((one, at) => (at === index ? part(one) : one))
    .join('.');
}

const header = (more: object = {}) => JSON.stringify({ alg: 'ES256', kid: es().kid, ...more });

const FORGED: Record<string, () => string> = {
  'no algorithm': () => `${base64url('{"alg":"none"}')}.${base64url(claimsText())}.`,
  'no algorithm, with a signature': () => withPart(0, () => base64url('{"alg":"none"}')),
  'no algorithm, in another case': () => withPart(0, () => base64url('{"alg":"nOnE"}')),
  'the public key as a shared secret (PEM)': () =>
    hmacToken({ alg: 'HS256', kid: rs().kid }, rs().publicKey.export({ type: 'spki', format: 'pem' })),
  'the public key as a shared secret (DER)': () =>
    hmacToken({ alg: 'HS256', kid: rs().kid }, rs().publicKey.export({ type: 'spki', format: 'der' })),
  'the public key as a shared secret (JWK)': () =>
    hmacToken({ alg: 'HS256' }, JSON.stringify(publicJwk(rs()))),
  'a secret that the issuer publishes': () =>
    hmacToken({ alg: 'HS256', kid: 'shared' }, 'a secret of the issuer, published by mistake'),
  'a key of nobody': () => issuer.token({}, { key: stranger }),
  'a key of nobody, under the id of one of the issuer': () =>
    issuer.token({}, { key: stranger, header: { kid: es().kid } }),
  'a key in the header': () =>
    issuer.token({}, { key: stranger, header: { kid: undefined, jwk: publicJwk(stranger) } }),
  'the address of keys in the header': () =>
    issuer.token({}, { key: stranger, header: { jku: issuer.jwksUrl, x5u: issuer.jwksUrl } }),
  'a certificate in the header': () =>
    issuer.token({}, { key: stranger, header: { x5c: [base64url('certificate')] } }),
  'a path as the id of its key': () => issuer.token({}, { key: stranger, header: { kid: '../../dev/null' } }),
  'SQL as the id of its key': () =>
    issuer.token({}, { key: stranger, header: { kid: "' UNION SELECT 'key' --" } }),
  'an id of its key that is no text': () => issuer.token({}, { key: es(), header: { kid: [es().kid] } }),
  'another algorithm than its key': () => issuer.token({}, { key: rs(), header: { alg: 'PS256' } }),
  'an algorithm that is not allowed': () => issuer.token({}, { key: rs(), header: { alg: 'RS512' } }),
  'a key that is too small': () => issuer.token({}, { key: issuer.published[2] as IssuerKey }),
  'a key for encryption': () => issuer.token({}, { key: es(), header: { kid: 'encrypting' } }),
  'a private key that the issuer publishes': () =>
    issuer.token({}, { key: es(), header: { kid: 'private' } }),
  'a condition that nobody knows': () => issuer.token({}, { key: es(), header: { crit: ['x'], x: true } }),
  'a payload that is not encoded': () =>
    issuer.token({}, { key: es(), header: { crit: ['b64'], b64: false } }),
  'zeros as its signature': () =>
    withPart(2, (was) => base64url(Buffer.alloc(Buffer.from(was, 'base64url').length))),
  'no signature': () => withPart(2, () => ''),
  'half a signature': () => withPart(2, (was) => was.slice(0, 20)),
  'the signature of another token': () => withPart(2, () => issuer.token({ sub: 'bob' }).split('.')[2] ?? ''),
  'other claims': () => withPart(1, () => base64url(claimsText().replace('alice', 'admin'))),
  'a signature in another form': () => {
    const signed = issuer.token({ scope: 'admin' }, { key: es() }).split('.', 2).join('.');
    return `${signed}.${base64url(sign('sha256', Buffer.from(signed), es().privateKey))}`;
  },
};

const NOT_FOR_US: Record<string, () => string> = {
  'of another issuer': () => issuer.token({ iss: 'https://evil.example' }),
  'of an issuer with a slash more': () => issuer.token({ iss: `${issuer.name}/` }),
  'of an issuer in capitals': () => issuer.token({ iss: issuer.name.toUpperCase() }),
  'of several issuers': () => issuer.token({ iss: [issuer.name] }),
  'of no issuer': () => issuer.token({ iss: undefined }),
  'for somebody else': () => issuer.token({ aud: 'somebody else' }),
  'for several others': () => issuer.token({ aud: ['a', 'b', AUDIENCE.toUpperCase()] }),
  'for nobody': () => issuer.token({ aud: undefined }),
  'for nobody at all': () => issuer.token({ aud: [] }),
  'for a part of our name': () => issuer.token({ aud: AUDIENCE.slice(0, -1) }),
  'for an object': () => issuer.token({ aud: { [AUDIENCE]: true } }),
  expired: () => issuer.token({ exp: seconds(-1) }),
  'long expired': () => issuer.token({ exp: 1 }),
  'without an end': () => issuer.token({ exp: undefined }),
  'with a text as its end': () => issuer.token({ exp: String(seconds(60)) }),
  'with null as its end': () => issuer.token({ exp: null }),
  'with an end beyond time': () => issuer.token({ exp: 1e300 }),
  'not valid yet': () => issuer.token({ nbf: seconds(60) }),
  'valid from a text on': () => issuer.token({ nbf: 'now' }),
  'of nobody': () => issuer.token({ sub: undefined }),
  'of an empty name': () => issuer.token({ sub: '' }),
  'of a number': () => issuer.token({ sub: 5 }),
  'of a name with control characters': () => issuer.token({ sub: 'alice\nadmin' }),
  'of a name with NUL': () => issuer.token({ sub: 'alice\0' }),
  'of a name with half a character': () => issuer.token({ sub: '\ud800' }),
  'of a name that is too long': () => issuer.token({ sub: 'x'.repeat(1_025) }),
  'of another kind': () => issuer.token({}, { header: { typ: 'logout+jwt' } }),
  'of a kind that is no text': () => issuer.token({}, { header: { typ: ['x'] } }),
};

const MALFORMED: Record<string, () => string> = {
  'with padding': () => `${issuer.token()}=`,
  'with padding within': () => withPart(1, (was) => `${was}=`),
  'with the other alphabet': () => withPart(2, (was) => `${was.slice(0, -3)}+/+`),
  'with a part more': () => `${issuer.token()}.${base64url('more')}`,
  'with a part less': () => issuer.token().split('.').slice(0, 2).join('.'),
  'encrypted, by its shape': () => `${issuer.token()}.a.b`,
  'with an empty header': () => withPart(0, () => ''),
  'with bits left over': () => withPart(2, leaveBits),
  'with a header that is no JSON': () => withPart(0, () => base64url('{"alg":')),
  'with a header that is an array': () => signToken('["ES256"]', claimsText(), es()),
  'with claims that are a text': () => signToken(header(), '"claims"', es()),
  'with claims that are null': () => signToken(header(), 'null', es()),
  'with claims that are no UTF-8': () =>
    signToken(header(), Buffer.from(claimsText().replace('{', '{"x":"\xff",'), 'latin1'), es()),
  'with a byte order mark': () => signToken(header(), `\ufeff${claimsText()}`, es()),
  'with an issuer twice': () =>
    signToken(header(), claimsText().replace('{', '{"iss":"https://evil.example",'), es()),
  'with an end twice': () => signToken(header(), claimsText().replace('{', '{"exp":1,'), es()),
  'with an end twice, written otherwise': () =>
    signToken(header(), claimsText().replace('{', '{"\\u0065xp":1,'), es()),
  'with a customer twice, deep in it': () =>
    signToken(header(), claimsText().replace('{', '{"org":{"id":"a","id":"b"},'), es()),
  'with an algorithm twice': () => signToken(header().replace('{', '{"alg":"none",'), claimsText(), es()),
  'with a prototype twice': () =>
    signToken(header(), claimsText().replace('{', '{"__proto__":1,"__proto__":2,'), es()),
  'that is deep': () =>
    signToken(header(), claimsText().replace('{', `{"a":${'['.repeat(100)}${']'.repeat(100)},`), es()),
  'of many quotation marks': () => `${base64url('{"alg":"ES256"}')}.${base64url('"\\'.repeat(2_500))}.AAAA`,
  'that is too long': () => issuer.token({ more: 'x'.repeat(6_200) }),
};

/** The same bytes in another text: the bits of the last character that carry nothing are set. */
function leaveBits(part: string): string {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = ALPHABET.indexOf(part.slice(-1));
  const same = part.slice(0, -1) + ALPHABET[last + 1];
  expect(Buffer.from(same, 'base64url')).toEqual(Buffer.from(part, 'base64url'));
  return same;
}

describe.each([
  ['signed with', FORGED],
  ['', NOT_FOR_US],
  ['', MALFORMED],
] as const)('a token %s', (_what, tokens) => {
  test.each(Object.entries(tokens))('%s is refused', async (_name, make) => {
    expect(await refusalOf(service, make())).toBe('UNAUTHENTICATED');
  });
});

test('a refused token is refused over WebSocket with 4403, and says over HTTP what is wrong with it', async () => {
  const token = issuer.token({ exp: seconds(-1) });
  const raw = await openSocket(service.url);
  raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } });
  expect(await raw.closed).toBe(4403);
  const { errors } = await service.ask('{ __typename }', {}, token);
  expect(errors?.[0]?.message).toBe('the token has expired');
  expect((await service.ask('{ __typename }', {}, issuer.token({ aud: 'x' }))).errors?.[0]?.message).toBe(
    'the token has a "aud" that is not accepted here',
  );
});

test('the longest token that is accepted is bounded by the length alone', async () => {
  const fill = (length: number) => issuer.token({ more: 'x'.repeat(length) });
  expect(fill(5_500).length).toBeLessThan(8_192);
  expect(await refusalOf(service, fill(5_500))).toBe('FORBIDDEN');
});

test('wrong tokens count as wrong keys do; a right one is never refused for them', async () => {
  const strict = await startService(database.url, {
    JWT_ISSUERS: issuer.setting,
    JWT_AUDIENCE: AUDIENCE,
    AUTH_FAILURES: '3',
  });
  const right = issuer.token({ scope: 'events:read' });
  expect(await refusalOf(strict, right)).toBeUndefined();
  for (let n = 0; n < 3; n += 1)
    expect(await refusalOf(strict, issuer.token({ jti: String(n), aud: 'x' }))).toBe('UNAUTHENTICATED');
  expect(await refusalOf(strict, issuer.token({ aud: 'x' }))).toBe('RATE_LIMITED');
  expect(await refusalOf(strict, issuer.token({ sub: 'bob', scope: 'events:read' }))).toBeUndefined();
  expect(await refusalOf(strict, right)).toBeUndefined();
  await strict.stop();
});
