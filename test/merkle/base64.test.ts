import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from '../../src/merkle/encoding.ts';
import { hex } from './reference.ts';

test('it is the base64 of Node, there and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = encodeBase64(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64'));
      expect(hex(decodeBase64(text) as Uint8Array)).toBe(hex(bytes));
    }),
  );
  const large = new Uint8Array(100_000).map((_, index) => index);
  expect(encodeBase64(large)).toBe(Buffer.from(large).toString('base64'));
});

test.each([
  'A',
  'AA',
  'AAA',
  'AA=',
  'AB==',
  'AAB=',
  '=',
  'AAAA=',
  'AAAA\n',
  ' AAAA',
  'AA-_',
  'AAAAAB==',
  'é===',
])('%j is refused', (text) => {
  expect(decodeBase64(text)).toBeUndefined();
});
