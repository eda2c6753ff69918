import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FormatError } from '../../src/merkle/encoding.ts';
import { parseSignatureLines } from '../../src/merkle/note.ts';
import {
  cosignatureVerifier,
  cosignedMessage,
  cosigner,
  formatCosignature,
  parseCosignature,
} from '../../src/merkle/signatures.ts';
import { logKey, testKey, witnessKey } from './keys.ts';

/** The example of https://c2sp.org/tlog-cosignature. */
const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const line =
  '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n';

const key = witnessKey('witness.example/w1', 5);
const verifier = cosignatureVerifier(key);

test('the published example carries the time that is signed', () => {
  const [signature] = parseSignatureLines(line);
  const cosignature = parseCosignature(signature?.signature as Uint8Array);
  expect(cosignature.timestamp).toBe(1_679_315_147);
  expect(formatCosignature(cosignature)).toEqual(signature?.signature);
  const message = new TextDecoder().decode(cosignedMessage(cosignature.timestamp, text));
  expect(message).toBe(`cosignature/v1\ntime 1679315147\n${text}`);
});

test('what a witness signs, it verifies, and no other text, time or bit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.maxSafeNat(), fc.nat({ max: 8 * 72 - 1 }), async (time, bit) => {
      const bytes = await cosigner(key, testKey(5).sign, () => time).sign(text);
      expect(parseCosignature(bytes).timestamp).toBe(time);
      expect(await verifier.verify(text, bytes)).toBe(true);
      expect(await verifier.verify(`${text}extension\n`, bytes)).toBe(false);
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await verifier.verify(text, changed)).toBe(false);
    }),
  );
});

test('a plain signature of the text is no cosignature', async () => {
  const plain = await testKey(5).sign(new TextEncoder().encode(text));
  expect(await verifier.verify(text, plain)).toBe(false);
  expect(await verifier.verify(text, Uint8Array.of(...new Uint8Array(8), ...plain))).toBe(false);
});

test('a key of another type, a wrong length and an impossible time are refused', () => {
  expect(() => cosignatureVerifier(logKey('log.example', 5))).toThrow(FormatError);
  expect(() => parseCosignature(new Uint8Array(71))).toThrow(FormatError);
  expect(() => parseCosignature(new Uint8Array(72).fill(255))).toThrow(FormatError);
  expect(() => cosignedMessage(1.5, text)).toThrow(FormatError);
  expect(() => formatCosignature({ timestamp: -1, signature: new Uint8Array(64) })).toThrow(FormatError);
  expect(() => formatCosignature({ timestamp: 1, signature: new Uint8Array(63) })).toThrow(FormatError);
});
