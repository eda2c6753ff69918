import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/merkle/encoding.ts';
import {
  formatNote,
  formatVerifierKey,
  MAX_SIGNATURES,
  parseNote,
  parseSignatureLines,
  parseVerifierKey,
} from '../../src/merkle/note.ts';
import { noteVerifier, SignatureError, signNote, verifyNote } from '../../src/merkle/signatures.ts';
import { logKey, logPair } from './keys.ts';

/** The example of https://c2sp.org/signed-note. */
const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const example = [
  'This is an example message.',
  '',
  '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=',
  '',
].join('\n');

/** The example of golang.org/x/mod/sumdb/note. */
const goKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const goNote = [
  'If you think cryptography is the answer to your problem,',
  "then you don't know what your problem is.",
  '',
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
  '',
].join('\n');

describe('the published examples', () => {
  test.each([
    [vkey, example],
    [goKey, goNote],
  ])('%s', async (key, note) => {
    const parsed = parseNote(note);
    const verifier = noteVerifier(parseVerifierKey(key));
    expect(formatVerifierKey(parseVerifierKey(key))).toBe(key);
    expect(formatNote(parsed)).toBe(note);
    expect(await verifyNote(parsed, [verifier])).toHaveLength(1);
    const altered = { ...parsed, text: parsed.text.replace(/m/, 'n') };
    await expect(verifyNote(altered, [verifier])).rejects.toThrow(SignatureError);
  });
});

const line = '— a/b AAAAAAE=\n';

describe('the form of a note', () => {
  test('the text reaches to the last empty line', () => {
    const { text, signatures } = parseNote(`a\n\n\nb\n\n${line}${line}`);
    expect(text).toBe('a\n\n\nb\n');
    expect(signatures.map(({ name, keyId, signature }) => [name, keyId, [...signature]])).toEqual([
      ['a/b', 0, [1]],
      ['a/b', 0, [1]],
    ]);
  });

  test.each([
    ['no signature', 'text\n\n'],
    ['no empty line', `text\n${line}`],
    ['no final newline', `text\n\n${line.trimEnd()}`],
    ['text after the signatures', `text\n\n${line}more\n`],
    ['a hyphen for the dash', `text\n\n- a/b AAAAAAE=\n`],
    ['two spaces', `text\n\n— a/b  AAAAAAE=\n`],
    ['a third field', `text\n\n— a/b AAAAAAE= c\n`],
    ['no name', `text\n\n—  AAAAAAE=\n`],
    ['a plus in the name', `text\n\n— a+b AAAAAAE=\n`],
    ['a no-break space in the name', `text\n\n— a\u00a0b AAAAAAE=\n`],
    ['no signature bytes', `text\n\n— a/b AAAAAA==\n`],
    ['base64 without padding', `text\n\n— a/b AAAAAAE\n`],
    ['a carriage return', `text\r\n\n${line}`],
    ['a tab', `a\tb\n\n${line}`],
    ['NUL', `a\0b\n\n${line}`],
    ['a lone surrogate', `a\ud800\n\n${line}`],
    ['too many signatures', `text\n\n${line.repeat(MAX_SIGNATURES + 1)}`],
  ])('%s is refused', (_, note) => {
    expect(() => parseNote(note)).toThrow(FormatError);
  });

  test('bytes must be UTF-8, and a byte order mark is part of the text', () => {
    const bytes = new TextEncoder().encode(`\ufefftext\n\n${line}`);
    expect(parseNote(bytes).text).toBe('\ufefftext\n');
    expect(() => parseNote(Uint8Array.of(0xff, ...bytes))).toThrow(FormatError);
  });

  test('many signatures are read', () => {
    expect(parseSignatureLines(line.repeat(MAX_SIGNATURES))).toHaveLength(MAX_SIGNATURES);
    expect(() => parseSignatureLines('')).toThrow(FormatError);
  });

  test('what cannot be read back is not written', () => {
    const signature = { name: 'a', keyId: 1, signature: new Uint8Array(1) };
    expect(() => formatNote({ text: 'no newline', signatures: [signature] })).toThrow(FormatError);
    expect(() => formatNote({ text: 'a\tb\n', signatures: [signature] })).toThrow(FormatError);
    expect(() => formatNote({ text: 'text\n', signatures: [] })).toThrow(FormatError);
    const badName = { ...signature, name: 'a b' };
    expect(() => formatNote({ text: 'text\n', signatures: [badName] })).toThrow(FormatError);
  });

  test('any note survives', () => {
    const texts = fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text));
    const names = fc.stringMatching(/^[a-z0-9./-]{1,20}$/);
    const keyIds = fc.nat({ max: 2 ** 32 - 1 });
    const signatures = fc.record({
      name: names,
      keyId: keyIds,
      signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    });
    const all = fc.array(signatures, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 5 }), all, (lines, list) => {
        const note = { text: `${lines.join('\n')}\n`, signatures: list };
        expect(parseNote(formatNote(note))).toEqual(note);
        expect(parseNote(new TextEncoder().encode(formatNote(note)))).toEqual(note);
      }),
    );
  });
});

describe('verifier keys', () => {
  test('any key survives', () => {
    const key = logKey('example.com/log', 7);
    expect(parseVerifierKey(formatVerifierKey(key))).toEqual(key);
  });

  test.each([
    '',
    'example.com/foo',
    'example.com/foo+530d903a',
    'example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2',
    ' example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n',
  ])('%j is refused', (text) => {
    expect(() => parseVerifierKey(text)).toThrow(FormatError);
  });

  test('a key of another type or length is refused', () => {
    const key = logKey('example.com/log', 7);
    expect(() => noteVerifier({ ...key, type: 4 })).toThrow(FormatError);
    expect(() => formatVerifierKey({ ...key, publicKey: new Uint8Array(31) })).toThrow(FormatError);
  });
});

describe('signatures', () => {
  const [one, two] = [logPair('log.example', 1), logPair('log.example', 2)];

  test('keys of one name are told apart by their ID', async () => {
    const note = await signNote('hello\n', [one.signer, two.signer]);
    for (const trusted of [[one.verifier], [two.verifier]]) {
      const [found] = await verifyNote(note, trusted);
      expect(found?.keyId).toBe(trusted[0]?.keyId);
    }
    expect(await verifyNote(note, [two.verifier, one.verifier])).toEqual(note.signatures);
  });

  test('a note that nobody known signed is refused', async () => {
    const note = await signNote('hello\n', [one.signer]);
    await expect(verifyNote(note, [two.verifier])).rejects.toThrow(SignatureError);
    await expect(verifyNote(note, [])).rejects.toThrow(SignatureError);
  });

  test('one wrong signature of a known key spoils the note', async () => {
    const note = await signNote('hello\n', [one.signer, two.signer]);
    const [right, other] = note.signatures as [(typeof note.signatures)[0], (typeof note.signatures)[0]];
    const spoiled = { ...note, signatures: [right, { ...other, signature: right.signature }] };
    await expect(verifyNote(spoiled, [one.verifier, two.verifier])).rejects.toThrow(SignatureError);
    expect(await verifyNote(spoiled, [one.verifier])).toHaveLength(1);
    const cut = { ...note, signatures: [{ ...right, signature: right.signature.subarray(1) }] };
    await expect(verifyNote(cut, [one.verifier])).rejects.toThrow(SignatureError);
  });

  test('no bit of text or signature can change', async () => {
    const { verifier, signer } = one;
    const note = await signNote('some text\n', [signer]);
    const signature = note.signatures[0]?.signature as Uint8Array;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 8 * 64 - 1 }), async (bit) => {
        const changed = Uint8Array.from(signature);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(await verifier.verify('some text\n', changed)).toBe(false);
      }),
    );
    expect(await verifier.verify('some text \n', signature)).toBe(false);
    expect(await verifier.verify('some text\n', signature)).toBe(true);
  });
});
