import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { emptyRoot, equalHashes, leafHash, nodeHash } from '../../src/merkle/hash.ts';
import { fromHex, hex } from './reference.ts';

test('the empty tree, the empty leaf and a node hash as in RFC 6962', () => {
  expect(hex(emptyRoot())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(hex(leafHash(new Uint8Array(0)))).toBe(
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  );
  expect(hex(leafHash(new TextEncoder().encode('L123456')))).toBe(
    '395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56',
  );
  const left = createHash('sha256').update('N123').digest();
  const right = createHash('sha256').update('N456').digest();
  const expected = createHash('sha256').update('\x01').update(left).update(right).digest('hex');
  expect(hex(nodeHash(left, right))).toBe(expected);
});

test.each([0, 1, 16_382, 16_383, 16_384, 16_385, 200_000])('a leaf of %i bytes', (length) => {
  const bytes = new Uint8Array(length).fill(7);
  expect(hex(leafHash(bytes))).toBe(createHash('sha256').update('\x00').update(bytes).digest('hex'));
});

test('a hash stays the same when others are taken after it', () => {
  const first = leafHash(new Uint8Array([1]));
  const before = hex(first);
  leafHash(new Uint8Array(100).fill(2));
  nodeHash(first, first);
  expect(hex(first)).toBe(before);
});

test('a node of anything but two hashes is refused', () => {
  const hash = emptyRoot();
  expect(() => nodeHash(hash.subarray(1), hash)).toThrow(RangeError);
  expect(() => nodeHash(hash, fromHex('00'))).toThrow(RangeError);
});

test('hashes are compared by their bytes', () => {
  expect(equalHashes(emptyRoot(), Uint8Array.from(emptyRoot()))).toBe(true);
  expect(equalHashes(emptyRoot(), leafHash(new Uint8Array(0)))).toBe(false);
  expect(equalHashes(emptyRoot(), emptyRoot().subarray(1))).toBe(false);
});
