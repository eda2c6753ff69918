import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../src/merkle/checkpoint.ts';
import { FormatError } from '../../src/merkle/encoding.ts';
import { parseNote } from '../../src/merkle/note.ts';
import { cosignatureVerifier, cosigner, SignatureError } from '../../src/merkle/signatures.ts';
import { logPair, testKey, witnessKey } from './keys.ts';
import { hex, sampleLeaves } from './reference.ts';

/** The example of https://c2sp.org/tlog-checkpoint. */
const example = [
  'example.com/behind-the-sofa',
  '20852163',
  'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=',
  '',
  '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=',
  '',
].join('\n');

const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';

describe('the text of a checkpoint', () => {
  test('the published example', () => {
    const { text } = parseNote(example);
    const checkpoint = parseCheckpoint(text);
    expect(checkpoint.origin).toBe('example.com/behind-the-sofa');
    expect(checkpoint.treeSize).toBe(20_852_163);
    expect(hex(checkpoint.rootHash)).toBe('0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62');
    expect(checkpoint.extensions).toEqual([]);
    expect(formatCheckpoint(checkpoint)).toBe(text);
  });

  test('any checkpoint survives', () => {
    const lines = fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !/\p{Cc}/u.test(line));
    const checkpoints = fc.record({
      origin: lines,
      treeSize: fc.maxSafeNat(),
      rootHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      extensions: fc.array(lines, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(checkpoints, (checkpoint) => {
        expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
      }),
    );
  });

  test.each([
    ['no final newline', `log\n1\n${root}`],
    ['two lines', 'log\n1\n'],
    ['no origin', `\n1\n${root}\n`],
    ['a size with a leading zero', `log\n01\n${root}\n`],
    ['a size with a sign', `log\n+1\n${root}\n`],
    ['a negative size', `log\n-1\n${root}\n`],
    ['a size in hex', `log\n0x1\n${root}\n`],
    ['a size with a space', `log\n1 \n${root}\n`],
    ['no size', `log\n\n${root}\n`],
    ['a size of 2^53', `log\n9007199254740992\n${root}\n`],
    ['a root of 31 bytes', `log\n1\n${Buffer.alloc(31).toString('base64')}\n`],
    ['a root in another base64', `log\n1\n${root.replace('=', '')}\n`],
    ['a root with unused bits', `log\n1\n${root.replace('I=', 'J=')}\n`],
    ['an empty extension', `log\n1\n${root}\n\n`],
    ['an empty extension between others', `log\n1\n${root}\na\n\nb\n`],
    ['a carriage return', `log\r\n1\n${root}\n`],
  ])('%s is refused', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(FormatError);
  });

  test('what cannot be read back is not written', () => {
    const good = { origin: 'log', treeSize: 1, rootHash: new Uint8Array(32), extensions: [] };
    for (const bad of [
      { origin: '' },
      { origin: 'a\nb' },
      { treeSize: -1 },
      { treeSize: 1.5 },
      { treeSize: 2 ** 53 },
      { rootHash: new Uint8Array(31) },
      { extensions: [''] },
      { extensions: ['a\nb'] },
    ]) {
      expect(() => formatCheckpoint({ ...good, ...bad })).toThrow(FormatError);
    }
  });
});

describe('signed checkpoints', () => {
  const origin = 'log.example/audit';
  const rootHash = Uint8Array.from(sampleLeaves(1)[0] as Uint8Array);
  const checkpoint = { origin, treeSize: 1, rootHash, extensions: [] };
  const log = logPair(origin, 1);
  const witnesses = [2, 3].map((seed) => {
    const key = witnessKey(`witness.example/w${seed}`, seed);
    const signer = cosigner(key, testKey(seed).sign, () => 1_679_315_147);
    return { signer, verifier: cosignatureVerifier(key) };
  });
  const verifiers = witnesses.map(({ verifier }) => verifier);
  const signers = witnesses.map(({ signer }) => signer);

  test('the log alone is enough without a quorum', async () => {
    const note = await signCheckpoint(checkpoint, [log.signer]);
    const opened = await openCheckpoint(note, { origin, logKeys: [log.verifier] });
    expect(opened).toEqual({ checkpoint, cosignatures: [] });
  });

  test('a quorum counts different witnesses', async () => {
    const policy = { origin, logKeys: [log.verifier], witnesses: verifiers, quorum: 2 };
    const full = await signCheckpoint(checkpoint, [log.signer, ...signers]);
    expect((await openCheckpoint(full, policy)).cosignatures).toHaveLength(2);
    const [first] = signers as [(typeof signers)[0]];
    const twice = await signCheckpoint(checkpoint, [log.signer, first, first]);
    await expect(openCheckpoint(twice, policy)).rejects.toThrow(SignatureError);
  });

  test('witnesses do not stand in for the log', async () => {
    const note = await signCheckpoint(checkpoint, signers);
    const policy = { origin, logKeys: [log.verifier], witnesses: verifiers };
    await expect(openCheckpoint(note, policy)).rejects.toThrow(SignatureError);
  });

  test('a checkpoint of another log with the same key is refused', async () => {
    const note = await signCheckpoint({ ...checkpoint, origin: 'log.example/other' }, [log.signer]);
    await expect(openCheckpoint(note, { origin, logKeys: [log.verifier] })).rejects.toThrow(SignatureError);
  });

  test('no character of what is signed can change', async () => {
    const note = await signCheckpoint(checkpoint, [log.signer]);
    const signed = note.indexOf('\n\n');
    const policy = { origin, logKeys: [log.verifier] };
    for (let at = 0; at < signed; at++) {
      const other = note[at] === 'x' ? 'y' : 'x';
      const altered = note.slice(0, at) + other + note.slice(at + 1);
      await expect(openCheckpoint(altered, policy)).rejects.toThrow(SignatureError);
    }
  });
});
