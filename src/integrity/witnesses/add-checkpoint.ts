import { encodeBase64 } from '../../merkle/base64.ts';
import { parseCosignature } from '../../merkle/cosignature.ts';
import { parseDecimal } from '../../merkle/decimal.ts';
import { formatSignatureLine, parseSignatureLines } from '../../merkle/note.ts';
import { type NoteVerifier, trustedSignatures } from '../../merkle/note-signature.ts';
import type { Cosignature } from '../cosignatures.ts';
import type { Answer } from '../post-note.ts';

const MAX_CLOCK_SKEW_MS = 300_000;

/** The body of an `add-checkpoint` request (C2SP tlog-witness). */
export function formatRequest(request: {
  /** Events in the checkpoint that the witness cosigned last; 0: in none. */
  oldSize: number;
  /** The consistency proof from there; empty from 0. */
  proof: readonly Uint8Array[];
  note: string;
}): string {
  return [`old ${request.oldSize}`, ...request.proof.map(encodeBase64), '', request.note].join('\n');
}

/** The size that the witness cosigned last, from an answer of status 409; undefined for any other answer. */
export function sizeOfConflict({ status, contentType, body }: Answer): number | undefined {
  if (status !== 409 || contentType !== 'text/x.tlog.size' || !body.endsWith('\n')) return undefined;
  return parseDecimal(body.slice(0, -1));
}

/**
 * The witness's cosignature of a checkpoint's text, from the body of an answer of status 200; lines of other keys are
 * ignored. Throws when there is none, when it is wrong, or when its time is none or in the future.
 */
export async function cosignatureOf(
  lines: string,
  witness: NoteVerifier,
  { text, treeSize, now }: { text: string; treeSize: number; now: number },
): Promise<Cosignature> {
  const [own] = await trustedSignatures({ text, signatures: parseSignatureLines(lines) }, [witness]);
  if (!own) throw new Error('its answer holds no signature by its key');
  const cosignedAt = parseCosignature(own.signature).timestamp * 1_000;
  if (cosignedAt === 0) throw new Error('its cosignature has no time');
  if (cosignedAt > now + MAX_CLOCK_SKEW_MS) throw new Error('the time of its cosignature is in the future');
  const { name: keyName, keyId } = own;
  return { treeSize, line: formatSignatureLine(own), keyName, keyId, cosignedAt, ofWitness: true };
}
