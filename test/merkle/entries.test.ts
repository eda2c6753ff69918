import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FormatError } from '../../src/merkle/encoding.ts';
import { formatEntries, MAX_ENTRY_BYTES, parseEntries } from '../../src/merkle/tile-files.ts';
import { hex } from './reference.ts';

test('each entry follows its length', () => {
  const bytes = formatEntries([new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array(258).fill(9)]);
  expect(hex(bytes)).toBe(`0003010203${'0000'}0102${'09'.repeat(258)}`);
});

test('entries survive their bundle, also as part of a larger buffer', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (entries) => {
      const bytes = formatEntries(entries);
      const shifted = new Uint8Array(bytes.length + 5);
      shifted.set(bytes, 5);
      expect(parseEntries(shifted.subarray(5)).map(hex)).toEqual(entries.map(hex));
    }),
  );
});

test('a bundle cut anywhere but between entries is refused', () => {
  const bytes = formatEntries([new Uint8Array(3), new Uint8Array(4)]);
  for (let length = 0; length <= bytes.length; length++) {
    const cut = () => parseEntries(bytes.subarray(0, length));
    if (length === 0 || length === 5 || length === 11) expect(cut).not.toThrow();
    else expect(cut).toThrow(FormatError);
  }
});

test('an entry of 65,535 bytes is the largest', () => {
  expect(parseEntries(formatEntries([new Uint8Array(MAX_ENTRY_BYTES)]))[0]?.length).toBe(MAX_ENTRY_BYTES);
  expect(() => formatEntries([new Uint8Array(MAX_ENTRY_BYTES + 1)])).toThrow(RangeError);
});
