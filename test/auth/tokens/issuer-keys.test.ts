import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTokens, type Tokens } from '../../../src/auth/tokens.ts';
import { AUDIENCE, createIssuerKey, startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { expectWithin } from '../../support/runs.ts';

const MINUTE_MS = 60_000;
const STARTED_AT = Date.now();

let issuer: TestIssuer;
let tokens: Tokens;
let problems: string[];

beforeEach(async () => {
  issuer = await startIssuer();
  vi.useFakeTimers({ toFake: ['Date'] });
  problems = [];
});
afterEach(async () => {
  vi.useRealTimers();
  tokens.close();
  await issuer.close();
});

function start(timeoutMs = 5_000): void {
  tokens = createTokens({
    rules: {
      issuers: [{ name: issuer.name, jwksUrl: issuer.jwksUrl }],
      audiences: [AUDIENCE],
      algorithms: ['ES256'],
      clockToleranceMs: 0,
      scopes: ['scope'],
      scopesOf: undefined,
      customer: undefined,
    },
    timeoutMs,
    now: Date.now,
    onProblem: (_issuer, error) => problems.push(String(error.cause ?? error.message)),
  });
}

/** Sets the clock to that many milliseconds after the start of the tests. */
function setClock(ms: number): void {
  vi.setSystemTime(STARTED_AT + ms);
}

const LONG = { exp: Math.floor(STARTED_AT / 1_000) + 1_000_000 };
const codeOf = (token: string) =>
  tokens.verify(token).then(
    () => 'fine',
    (error: { code: string }) => error.code,
  );

describe('a new key', () => {
  test('is fetched when a token names it; a key that is no longer published is dropped', async () => {
    start();
    const old = issuer.token(LONG);
    expect(await codeOf(old)).toBe('fine');
    const key = createIssuerKey('ES256');
    issuer.published = [key];
    setClock(MINUTE_MS);
    expect(await codeOf(old)).toBe('fine');
    expect(await codeOf(issuer.token(LONG))).toBe('fine');
    expect(issuer.asked()).toBe(2);
    expect(await codeOf(old)).toBe('UNAUTHENTICATED');
  });

  test('is not fetched again within ten seconds', async () => {
    start();
    expect(await codeOf(issuer.token(LONG))).toBe('fine');
    const unknown = () => issuer.token(LONG, { key: createIssuerKey('ES256') });
    for (let n = 0; n < 20; n += 1) expect(await codeOf(unknown())).toBe('UNAUTHENTICATED');
    expect(issuer.asked()).toBe(1);
    setClock(MINUTE_MS);
    const asked = await Promise.all(Array.from({ length: 50 }, () => codeOf(unknown())));
    expect(new Set(asked)).toEqual(new Set(['UNAUTHENTICATED']));
    expect(issuer.asked()).toBe(2);
    // A clock that is set back does not end it.
    setClock(-MINUTE_MS);
    expect(await codeOf(unknown())).toBe('UNAUTHENTICATED');
    expect(issuer.asked()).toBe(3);
  });
});

type Answer = TestIssuer['answer'];
const AWAY: [string, Answer, RegExp][] = [
  ['never answers', () => undefined, /timeout/],
  ['never ends its answer', (response) => response.write('{"keys":['), /timeout/],
  ['ends the connection', (response) => response.destroy(), /closed|ECONNRESET/],
  ['answers with an error', (response) => response.writeHead(500).end('{"keys":[]}'), /status 500/],
  ['answers with a redirect', (response) => response.writeHead(302, { location: '/jwks' }).end(), /redirect/],
  ['answers with a page', (response) => response.end('<html>'), /JSON/],
  ['answers with too much', (response) => response.end(`{"keys":[],"a":"${'x'.repeat(300_000)}"}`), /larger/],
  [
    'answers with too many keys',
    (response) => response.end(JSON.stringify({ keys: Array(101).fill({}) })),
    /keys/,
  ],
  ['answers with no keys', (response) => response.end('{"keys":{}}'), /keys/],
  ['answers with null', (response) => response.end('null'), /keys/],
  ['answers with keys that are texts', (response) => response.end('{"keys":["a"]}'), /malformed/],
];

describe.each(AWAY)('an issuer that %s', (_what, answer, problem) => {
  test('makes its tokens UNAVAILABLE in a bounded time, and is asked again later', async () => {
    const answers = issuer.answer;
    issuer.answer = answer;
    start(300);
    const started = performance.now();
    expect(await codeOf(issuer.token(LONG))).toBe('UNAVAILABLE');
    expect(await codeOf(issuer.token(LONG))).toBe('UNAVAILABLE');
    expectWithin(3_000, started);
    expect([issuer.asked(), problems.length]).toEqual([1, 1]);
    expect(problems[0]).toMatch(problem);
    issuer.answer = answers;
    setClock(MINUTE_MS);
    expect(await codeOf(issuer.token(LONG))).toBe('fine');
  });

  test('does not affect known keys for a day', async () => {
    start(300);
    const token = issuer.token(LONG);
    expect(await codeOf(token)).toBe('fine');
    issuer.answer = answer;
    setClock(MINUTE_MS);
    expect(await codeOf(issuer.token(LONG, { key: createIssuerKey('ES256') }))).toBe('UNAVAILABLE');
    expect(await codeOf(token)).toBe('fine');
    setClock(23 * 60 * MINUTE_MS);
    expect(await codeOf(token)).toBe('fine');
    // A key that was not confirmed for a day is not used.
    setClock(25 * 60 * MINUTE_MS);
    expect(await codeOf(token)).toBe('UNAVAILABLE');
  });
});

test('an issuer that refuses connections is UNAVAILABLE', async () => {
  const gone = await startIssuer();
  await gone.close();
  issuer.jwksUrl = gone.jwksUrl;
  start();
  expect(await codeOf(issuer.token(LONG))).toBe('UNAVAILABLE');
  expect(problems[0]).toMatch(/ECONNREFUSED/);
});

test('a token without a key id is accepted only when one key fits', async () => {
  start();
  const anonymous = () => issuer.token(LONG, { header: { kid: undefined } });
  expect(await codeOf(anonymous())).toBe('fine');
  issuer.published.push(createIssuerKey('ES256'));
  setClock(MINUTE_MS);
  expect(await codeOf(issuer.token(LONG, { key: issuer.published[1] as never }))).toBe('fine');
  expect(await codeOf(anonymous())).toBe('UNAUTHENTICATED');
});
