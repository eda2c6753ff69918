import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/merkle/hash.ts';
import { sha256Portable } from '../../src/merkle/sha256-portable.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** FIPS 180-4 example values. */
const known: [string, string][] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
];

test.each([sha256, sha256Portable])('%s gives the published values', (hash) => {
  for (const [text, expected] of known) expect(hex(hash(new TextEncoder().encode(text)))).toBe(expected);
});

test('the portable one agrees with node:crypto at every length around a block', () => {
  for (let length = 0; length <= 200; length++) {
    const data = new Uint8Array(length).fill(length);
    expect(hex(sha256Portable(data))).toBe(createHash('sha256').update(data).digest('hex'));
  }
});

test('the portable one agrees with node:crypto on anything', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1_000 }), (data) => {
      expect(hex(sha256Portable(data))).toBe(createHash('sha256').update(data).digest('hex'));
    }),
  );
});
