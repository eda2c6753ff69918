import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { formatVerifierKey } from '../../src/merkle/note.ts';
import { logKey, witnessKey } from '../merkle/keys.ts';

const one = formatVerifierKey(witnessKey('witness.example/w1', 1));
const two = formatVerifierKey(witnessKey('a@b.example/w2', 2));

describe('WITNESSES', () => {
  test('are keys and URLs, whatever is in the names', () => {
    const { WITNESSES } = readConfig({
      WITNESSES: ` ${one}@https://witness.example/w1/ ,${two}@http://10.0.0.1:8080`,
    });
    expect(WITNESSES.map(({ url, verifier }) => [verifier.name, url])).toEqual([
      ['witness.example/w1', 'https://witness.example/w1'],
      ['a@b.example/w2', 'http://10.0.0.1:8080'],
    ]);
  });

  test.each([
    ['no URL', one],
    ['no key', 'https://witness.example/w1'],
    ['another scheme', `${one}@ftp://witness.example`],
    ['a password', `${one}@https://user:password@witness.example`],
    ['a query', `${one}@https://witness.example/?a=b`],
    ['a key that is not of its ID', `${one.replace('w1', 'w9')}@https://witness.example`],
    ["a log's key", `${formatVerifierKey(logKey('witness.example/w1', 1))}@https://witness.example`],
    ['a key twice', `${one}@https://a.example,${one}@https://b.example`],
    ['too many', Array.from({ length: 33 }, (_, n) => witnessOf(n)).join()],
  ])('refuses %s', (_, text) => {
    expect(() => readConfig({ WITNESSES: text })).toThrow(/WITNESSES/);
  });
});

function witnessOf(seed: number): string {
  return `${formatVerifierKey(witnessKey(`w${seed}.example`, seed))}@https://w${seed}.example`;
}

describe('ANCHOR_WEBHOOK', () => {
  test.each([
    'https://anchors.example/log',
    'http://localhost:8080/a',
    'http://127.0.0.1',
    'http://[::1]:80/',
  ])('takes %s', (url) => {
    expect(readConfig({ ANCHOR_WEBHOOK: url }).ANCHOR_WEBHOOK).toBe(url);
  });

  test.each([
    'http://anchors.example/',
    'http://127.0.0.1.example/',
    'http://localhost.example/',
    'http://user@127.0.0.1:80@anchors.example/',
    'https://user:password@anchors.example/',
    'ftp://localhost/',
    'somewhere',
  ])('refuses %s', (url) => {
    expect(() => readConfig({ ANCHOR_WEBHOOK: url })).toThrow(/ANCHOR_WEBHOOK/);
  });
});
