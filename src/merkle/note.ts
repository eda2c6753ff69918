import { decodeBase64, encodeBase64, FormatError } from './encoding.ts';
import { sha256 } from './hash.ts';

/** One signature line of a note: `— name base64(keyId || signature)`. */
export interface NoteSignature {
  /** The key's name: not empty, without white space or `+`. */
  readonly name: string;
  /** The key's ID, an unsigned 32-bit integer. */
  readonly keyId: number;
  /** What follows the key ID; its form depends on the kind of key. */
  readonly signature: Uint8Array;
}

/** A signed note (https://c2sp.org/signed-note). Its text means nothing until a signature has been verified. */
export interface Note {
  /** The text that is signed, with its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** More signature lines than this are refused; the specification asks for at least 16. */
export const MAX_SIGNATURES = 100;

const KEY_ID_BYTES = 4;
const LINE_START = '\u2014 ';
const NAME = /^[^\p{White_Space}+]+$/u;
const NEWLINE = 0x0a;

/** Whether a note can contain `text`: no lone surrogate, and below U+0020 nothing but newlines. */
export function isNoteText(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code < 0x20 && code !== NEWLINE) return false;
    if (code >= 0xd800 && code <= 0xdfff) return false;
  }
  return true;
}

/** Whether `name` can name a key: not empty, no Unicode space, no plus, nothing that a note cannot contain. */
export function isKeyName(name: string): boolean {
  return NAME.test(name) && isNoteText(name);
}

function assertText(text: string): void {
  if (!isNoteText(text)) throw new FormatError('a note is UTF-8 without control characters but newlines');
  if (!text.endsWith('\n')) throw new FormatError("a note's text ends in a newline");
}

/** The signature line, with its newline. Throws a FormatError when the name cannot name a key. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name)) throw new FormatError('a key name is not empty and has no spaces and no plus');
  const bytes = new Uint8Array(KEY_ID_BYTES + signature.length);
  new DataView(bytes.buffer).setUint32(0, keyId);
  bytes.set(signature, KEY_ID_BYTES);
  return `${LINE_START}${name} ${encodeBase64(bytes)}\n`;
}

function parseSignatureLine(line: string): NoteSignature {
  const [name, encoded, ...rest] = line.slice(LINE_START.length).split(' ');
  if (!line.startsWith(LINE_START) || name === undefined || encoded === undefined || rest.length > 0) {
    throw new FormatError('a signature line is a dash, a key name and a signature');
  }
  if (!isKeyName(name)) throw new FormatError('a key name is not empty and has no spaces and no plus');
  const bytes = decodeBase64(encoded);
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES) {
    throw new FormatError('a signature is the base64 of a key ID and at least one byte');
  }
  const keyId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { name, keyId, signature: bytes.slice(KEY_ID_BYTES) };
}

/**
 * The signatures of one or more signature lines, as a witness answers with. Throws a FormatError when a line is
 * malformed, when there is none, or when there are more than `MAX_SIGNATURES`.
 */
export function parseSignatureLines(lines: string): NoteSignature[] {
  const parts = lines.split('\n');
  if (parts.pop() !== '') throw new FormatError('the last signature line ends in a newline');
  if (parts.length === 0 || parts.length > MAX_SIGNATURES) {
    throw new FormatError(`a note has 1 to ${MAX_SIGNATURES} signatures`);
  }
  return parts.map(parseSignatureLine);
}

/** The note as it is stored and sent. Throws a FormatError when text or signatures cannot be in a note. */
export function formatNote({ text, signatures }: Note): string {
  assertText(text);
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) {
    throw new FormatError(`a note has 1 to ${MAX_SIGNATURES} signatures`);
  }
  return `${text}\n${signatures.map(formatSignatureLine).join('')}`;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError('a note is valid UTF-8');
  }
}

/**
 * Takes a note apart without verifying any signature. Throws a FormatError when it is malformed in any way, by a
 * line of an unknown key too; formatting the result gives the same characters again.
 */
export function parseNote(note: string | Uint8Array): Note {
  const whole = typeof note === 'string' ? note : decodeUtf8(note);
  assertText(whole);
  const blank = whole.lastIndexOf('\n\n');
  if (blank < 0) throw new FormatError('an empty line separates the text of a note from its signatures');
  return { text: whole.slice(0, blank + 1), signatures: parseSignatureLines(whole.slice(blank + 2)) };
}

/** Signature type byte of a plain Ed25519 signature over a note's text (C2SP signed-note). */
export const ED25519 = 0x01;
/** Signature type byte of a timestamped Ed25519 cosignature of a checkpoint (C2SP tlog-cosignature). */
export const ED25519_COSIGNATURE = 0x04;

/** A public key that verifies notes, with the name it signs under. */
export interface VerifierKey {
  readonly name: string;
  /** Signature type byte, such as `ED25519`. */
  readonly type: number;
  /** As the type encodes it: 32 bytes (RFC 8032) for both Ed25519 types. */
  readonly publicKey: Uint8Array;
}

/** The ID of a key as an unsigned 32-bit integer: SHA-256(name || 0x0A || type || public key)[:4], big-endian. */
export function keyIdOf({ name, type, publicKey }: VerifierKey): number {
  const encodedName = new TextEncoder().encode(`${name}\n`);
  const bytes = new Uint8Array(encodedName.length + 1 + publicKey.length);
  bytes.set(encodedName);
  bytes[encodedName.length] = type;
  bytes.set(publicKey, encodedName.length + 1);
  const digest = sha256(bytes);
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

function assertKey({ name, type, publicKey }: VerifierKey): void {
  if (!isKeyName(name)) throw new FormatError('a key name is not empty and has no spaces and no plus');
  if ((type === ED25519 || type === ED25519_COSIGNATURE) && publicKey.length !== 32) {
    throw new FormatError('an Ed25519 public key has 32 bytes');
  }
}

/**
 * The verifier key ("vkey") as text: `name+hex(key ID)+base64(type || public key)`. Throws a FormatError when the
 * name or the length of the key is not possible.
 */
export function formatVerifierKey(key: VerifierKey): string {
  assertKey(key);
  const id = keyIdOf(key).toString(16).padStart(8, '0');
  return `${key.name}+${id}+${encodeBase64(Uint8Array.of(key.type, ...key.publicKey))}`;
}

/** Reads a verifier key. Throws a FormatError when it is malformed or its key ID is not the one of its name and key. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(text) ?? [];
  const material = decodeBase64(encoded ?? '');
  const type = material?.[0];
  if (name === undefined || material === undefined || type === undefined) {
    throw new FormatError('a verifier key is a name, a key ID in hex and a key in base64, joined by +');
  }
  const key = { name, type, publicKey: material.slice(1) };
  assertKey(key);
  if (keyIdOf(key) !== Number.parseInt(id ?? '', 16))
    throw new FormatError('the key ID is not that of this key');
  return key;
}
