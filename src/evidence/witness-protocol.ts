import { encodeBase64, parseDecimal } from '../merkle/encoding.ts';
import { formatSignatureLine, parseSignatureLines, parseVerifierKey } from '../merkle/note.ts';
import {
  cosignatureVerifier,
  type NoteVerifier,
  parseCosignature,
  trustedSignatures,
} from '../merkle/signatures.ts';
import type { StoredCosignature } from './checkpoints.ts';
import { DeclinedError, type PostResponse } from './post-note.ts';

/** Maximum number of witnesses. A note has at most 100 signatures, including those of former witnesses. */
export const MAX_WITNESSES = 32;

/** A party outside that verifies and cosigns that the log only grows (C2SP tlog-witness). */
export interface Witness {
  /** The submission prefix, without a trailing slash. */
  url: string;
  /** Verifies its cosignatures. */
  verifier: NoteVerifier;
}

// A key name has no plus, and base64 has no @. So the first @ after the second plus ends the key.
const SHAPE = /^([^+]+\+[^+]+\+[A-Za-z0-9+/=]+)@(https?:\/\/.+)$/u;

/** Reads `KEY@URL`: a verifier key of type 0x04 (Ed25519 cosignatures) and a URL. Throws for any other text. */
export function parseWitness(text: string): Witness {
  const [, key, url] = SHAPE.exec(text) ?? [];
  if (key === undefined || url === undefined)
    throw new Error('a witness is written KEY@URL: its verifier key, and an http or https URL');
  const { username, password, search, hash, href } = new URL(url);
  if (username || password || search || hash)
    throw new Error('the URL of a witness has neither user nor query nor fragment');
  return { url: href.replace(/\/+$/, ''), verifier: cosignatureVerifier(parseVerifierKey(key)) };
}

const MAX_CLOCK_SKEW_MS = 300_000;

/** The body of an `add-checkpoint` request (C2SP tlog-witness). */
export function formatRequest(request: {
  /** The size of the checkpoint that the witness cosigned last; 0 when there is none. */
  oldSize: number;
  /** The consistency proof from that size; empty from 0. */
  proof: readonly Uint8Array[];
  note: string;
}): string {
  return [`old ${request.oldSize}`, ...request.proof.map(encodeBase64), '', request.note].join('\n');
}

/** The size that the witness cosigned last, from an answer with status 409; undefined for any other answer. */
export function sizeOfConflict({ status, contentType, body }: PostResponse): number | undefined {
  if (status !== 409 || contentType !== 'text/x.tlog.size' || !body.endsWith('\n')) return undefined;
  return parseDecimal(body.slice(0, -1));
}

/**
 * The witness's cosignature of a checkpoint's text, from the body of an answer with status 200. Ignores lines of other
 * keys. Throws when there is no cosignature, when it is wrong, and when its time is missing or in the future.
 */
export async function cosignatureOf(
  lines: string,
  witness: NoteVerifier,
  { text, treeSize, now }: { text: string; treeSize: number; now: number },
): Promise<StoredCosignature> {
  const [own] = await trustedSignatures({ text, signatures: parseSignatureLines(lines) }, [witness]);
  if (!own) throw new Error('its answer holds no signature by its key');
  const cosignedAt = parseCosignature(own.signature).timestamp * 1_000;
  if (cosignedAt === 0) throw new Error('its cosignature has no time');
  if (cosignedAt > now + MAX_CLOCK_SKEW_MS) throw new Error('the time of its cosignature is in the future');
  const { name: keyName, keyId } = own;
  return { treeSize, line: formatSignatureLine(own), keyName, keyId, cosignedAt, ofWitness: true };
}

/** A witness did not cosign. */
export class WitnessError extends DeclinedError {
  override readonly name = 'WitnessError';
  /** Whether the witness knows another log than this one: this log was rewritten or rolled back, or the witness is wrong. */
  readonly isDispute: boolean;

  constructor(message: string, { isDispute = false, retryAfterMs = 0 } = {}) {
    super(message, retryAfterMs);
    this.isDispute = isDispute;
  }
}
