import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokens, type Tokens } from '../../../src/auth/tokens.ts';
import {
  AUDIENCE,
  createIssuerKey,
  type IssuerKey,
  startIssuer,
  type TestIssuer,
} from '../../support/issuer.ts';
import { runsOf } from '../../support/runs.ts';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

let issuer: TestIssuer;
let tokens: Tokens;

beforeAll(async () => {
  issuer = await startIssuer();
  issuer.published = ALGORITHMS.map(createIssuerKey);
  tokens = createTokens({
    rules: {
      issuers: [{ name: issuer.name, jwksUrl: issuer.jwksUrl }],
      audiences: [AUDIENCE],
      algorithms: [...ALGORITHMS],
      clockToleranceMs: 0,
      scopes: ['scope'],
      scopesOf: undefined,
      customer: undefined,
    },
    timeoutMs: 5_000,
    now: Date.now,
    onProblem: (_issuer, error) => expect.unreachable(String(error)),
  });
});
afterAll(async () => {
  tokens.close();
  await issuer.close();
});

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
const character = fc.constantFrom(...CHARACTERS);
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

type Change = (token: string) => string;
const at = (text: string, fraction: number) => Math.floor(fraction * text.length);
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, character).map<Change>(([where, to]) => (text) => {
    const index = at(text, where);
    return text.slice(0, index) + to + text.slice(index + 1);
  }),
  fc.tuple(place, character).map<Change>(([where, more]) => (text) => {
    const index = at(text, where);
    return text.slice(0, index) + more + text.slice(index);
  }),
  place.map<Change>((where) => (text) => text.slice(0, at(text, where)) + text.slice(at(text, where) + 1)),
  place.map<Change>((where) => (text) => text.slice(0, at(text, where))),
  fc.tuple(place, place).map<Change>(([one, other]) => (text) => {
    const parts = text.split('.');
    const [from, to] = [at('123', one), at('123', other)];
    return parts.map((part, index) => (index === from ? (parts[to] ?? part) : part)).join('.');
  }),
);

describe.each(ALGORITHMS.map((algorithm, index) => [algorithm, index] as const))(
  'of a token of %s',
  (_name, index) => {
    test('no change is accepted', async () => {
      const key = issuer.published[index] as IssuerKey;
      const token = issuer.token({ scope: 'events:read' }, { key });
      expect((await tokens.verify(token)).scopes).toEqual(['events:read']);
      await fc.assert(
        fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 4 }), async (all) => {
          const changed = all.reduce((text, change) => change(text), token);
          fc.pre(changed !== token);
          if (!tokens.isToken(changed)) return;
          await expect(tokens.verify(changed)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
        }),
        { numRuns: runsOf(1_000, 250) },
      );
    });

    test('no other text of its signature is accepted, bit by bit', async () => {
      const token = issuer.token({}, { key: issuer.published[index] as IssuerKey });
      const start = token.lastIndexOf('.') + 1;
      for (let place = start; place < token.length; place += 1) {
        const was = CHARACTERS.indexOf(token[place] ?? '');
        for (const bit of [1, 2, 4, 8, 16, 32]) {
          const changed = token.slice(0, place) + CHARACTERS[was ^ bit] + token.slice(place + 1);
          await expect(tokens.verify(changed)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
        }
      }
    });
  },
);
