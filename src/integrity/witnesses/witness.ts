import { cosignatureVerifier } from '../../merkle/cosignature.ts';
import { parseVerifierKey } from '../../merkle/note-key.ts';
import type { NoteVerifier } from '../../merkle/note-signature.ts';

/** Most witnesses of a log: a note has at most a hundred signatures, and keeps those of former witnesses too. */
export const MAX_WITNESSES = 32;

/** Somebody outside who watches that the log only grows (C2SP tlog-witness). */
export interface Witness {
  /** The submission prefix, without a slash at the end. */
  url: string;
  /** Name, key ID and check of its cosignatures. */
  verifier: NoteVerifier;
}

// A key name has no plus, and base64 has no @: so the first @ behind the second plus ends the key.
const SHAPE = /^([^+]+\+[^+]+\+[A-Za-z0-9+/=]+)@(https?:\/\/.+)$/u;

/** Reads `KEY@URL`: a verifier key of type 0x04 (Ed25519 cosignatures) and a URL. Throws when it is something else. */
export function parseWitness(text: string): Witness {
  const [, key, url] = SHAPE.exec(text) ?? [];
  if (key === undefined || url === undefined)
    throw new Error('a witness is written KEY@URL: its verifier key, and an http or https URL');
  const { username, password, search, hash, href } = new URL(url);
  if (username || password || search || hash)
    throw new Error('the URL of a witness has neither user nor query nor fragment');
  return { url: href.replace(/\/+$/, ''), verifier: cosignatureVerifier(parseVerifierKey(key)) };
}
