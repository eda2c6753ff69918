import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signCheckpoint } from '../../src/merkle/checkpoint.ts';
import { FormatError } from '../../src/merkle/encoding.ts';
import { leafHash } from '../../src/merkle/hash.ts';
import { formatBundle, type ProofBundle, parseBundle, verifyBundle } from '../../src/merkle/proof-bundle.ts';
import { proveInclusion } from '../../src/merkle/prove.ts';
import { SignatureError } from '../../src/merkle/signatures.ts';
import { logPair } from './keys.ts';
import { merkleTreeHash } from './reference.ts';
import { nodesOf } from './stored-tree.ts';

const origin = 'log.example/audit';
const { signer, verifier } = logPair(origin, 1);
const policy = { origin, logKeys: [verifier] };
const entries = Array.from({ length: 100 }, (_, index) => new TextEncoder().encode(`{"n":${index}}`));
const leaves = entries.map(leafHash);

async function bundleFor(index: number): Promise<ProofBundle> {
  const rootHash = merkleTreeHash(leaves);
  const checkpoint = { origin, treeSize: leaves.length, rootHash, extensions: [] };
  return {
    index,
    proof: await proveInclusion(index, leaves.length, nodesOf(leaves)),
    checkpoint: await signCheckpoint(checkpoint, [signer]),
    extra: entries[index] as Uint8Array,
  };
}

test('the form is that of c2sp.org/tlog-proof', async () => {
  const bundle = await bundleFor(99);
  const proof = bundle.proof.map((hash) => Buffer.from(hash).toString('base64'));
  const lines = ['c2sp.org/tlog-proof@v1', 'extra eyJuIjo5OX0=', 'index 99', ...proof, ''];
  expect(formatBundle(bundle)).toBe(`${lines.join('\n')}\n${bundle.checkpoint}`);
});

test('every leaf is proved by the text of its bundle alone', async () => {
  for (const [index, leaf] of leaves.entries()) {
    const bundle = parseBundle(formatBundle(await bundleFor(index)));
    expect(leafHash(bundle.extra as Uint8Array)).toEqual(leaf);
    expect((await verifyBundle(leaf, bundle, policy))?.checkpoint.treeSize).toBe(100);
    const neighbour = leaves[(index + 1) % 100] as Uint8Array;
    expect(await verifyBundle(neighbour, bundle, policy)).toBeUndefined();
  }
});

test('a bundle whose checkpoint is not trusted is refused', async () => {
  const bundle = await bundleFor(5);
  const stranger = { origin, logKeys: [logPair(origin, 2).verifier] };
  await expect(verifyBundle(leaves[5] as Uint8Array, bundle, stranger)).rejects.toThrow(SignatureError);
});

test('no character of the lines before the checkpoint can change', async () => {
  const text = formatBundle({ ...(await bundleFor(5)), extra: new Uint8Array(0) });
  const start = text.indexOf('index');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: start, max: text.indexOf('\n\n') }), fc.nat(), async (at, pick) => {
      const characters = '\n =+/09AZaz'.replace(text[at] as string, '');
      const altered = text.slice(0, at) + characters[pick % characters.length] + text.slice(at + 1);
      let parsed: ProofBundle;
      try {
        parsed = parseBundle(altered);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        return;
      }
      const outcome = await verifyBundle(leaves[5] as Uint8Array, parsed, policy).catch((error) => {
        expect(['FormatError', 'SignatureError']).toContain(error.name);
      });
      expect(outcome).toBeUndefined();
    }),
  );
});

describe('the form of a bundle', () => {
  const hash = Buffer.alloc(32).toString('base64');

  test.each([
    ['without extra and proof', 'c2sp.org/tlog-proof@v1\nindex 0\n\nnote'],
    ['with empty extra', 'c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nnote'],
    ['with a proof', `c2sp.org/tlog-proof@v1\nextra AAAA\nindex 17\n${hash}\n${hash}\n\nnote\n\nmore`],
  ])('%s', (_, text) => {
    expect(formatBundle(parseBundle(text))).toBe(text);
  });

  test.each([
    ['another version', 'c2sp.org/tlog-proof@v2\nindex 0\n\nnote'],
    ['no index', `c2sp.org/tlog-proof@v1\n${hash}\n\nnote`],
    ['an index with a leading zero', 'c2sp.org/tlog-proof@v1\nindex 00\n\nnote'],
    ['an index of 2^53', 'c2sp.org/tlog-proof@v1\nindex 9007199254740992\n\nnote'],
    ['extra after the index', 'c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nnote'],
    ['extra twice', 'c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0\n\nnote'],
    ['extra that is no base64', 'c2sp.org/tlog-proof@v1\nextra AAA\nindex 0\n\nnote'],
    ['a short hash', 'c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nnote'],
    ['a carriage return', 'c2sp.org/tlog-proof@v1\r\nindex 0\n\nnote'],
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 0\n'],
    ['65 hashes', `c2sp.org/tlog-proof@v1\nindex 0\n${`${hash}\n`.repeat(65)}\nnote`],
  ])('%s is refused', (_, text) => {
    expect(() => parseBundle(text)).toThrow(FormatError);
  });

  test('what cannot be read back is not written', () => {
    const good = { index: 0, proof: [], checkpoint: 'note' };
    expect(() => formatBundle({ ...good, index: -1 })).toThrow(FormatError);
    expect(() => formatBundle({ ...good, proof: [new Uint8Array(31)] })).toThrow(FormatError);
  });
});
