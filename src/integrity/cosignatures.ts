import type { PoolClient } from 'pg';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { cosignatureVerifier, parseCosignature } from '../merkle/cosignature.ts';
import { formatSignatureLine, parseNote, parseSignatureLines } from '../merkle/note.ts';
import { ED25519_COSIGNATURE, parseVerifierKey } from '../merkle/note-key.ts';
import type { NoteVerifier } from '../merkle/note-signature.ts';

/** A timestamped signature of the log's checkpoint of a size: the log's own, or a witness's. */
export interface Cosignature {
  treeSize: number;
  /** As it stands in the note, with its newline. */
  line: string;
  keyName: string;
  keyId: number;
  /** Milliseconds since 1970. */
  cosignedAt: number;
  ofWitness: boolean;
}

/** Keeps a witness's cosignature, beside what is there: the service's role can change none. */
export async function storeCosignature(
  db: Pool,
  { treeSize, line, keyName }: { treeSize: number; line: string; keyName: string },
): Promise<void> {
  await db.query('SELECT add_cosignature($1, $2, $3)', [treeSize, line, keyName]);
}

/** Keeps the log's own timestamp of its newest checkpoint, in place of an older one; of another one, nothing. */
export async function storeTimestamp(
  db: Pool | PoolClient,
  { treeSize, line }: { treeSize: number; line: string },
): Promise<void> {
  await db.query('SELECT renew_timestamp($1, $2)', [treeSize, line]);
}

/** A timestamped signature line of the log's checkpoint as it is stored; it may be anything. */
export interface StoredLine {
  line: string;
  keyName: string;
  keyId: number;
  ofWitness: boolean;
}

/** What the stored lines add to a note. */
export interface Cosigned {
  /** The lines that belong in the note. */
  lines: string;
  /** When the log last put a time on the checkpoint, in milliseconds since 1970; undefined: it did not. */
  timestampedAt: number | undefined;
}

/**
 * Picks the stored lines that belong in the note: those by the log's own key that verify, and those by other keys that
 * have the form of a cosignature by the key that their columns name. A line that was put in or changed is left out, and
 * makes no note malformed.
 */
export async function pickLines(
  note: string,
  verifierKey: string | undefined,
  stored: readonly StoredLine[],
): Promise<Cosigned> {
  const own = verifierKey === undefined ? undefined : timestampVerifier(verifierKey);
  const text = textOf(note);
  let lines = '';
  let timestampedAt: number | undefined;
  for (const row of stored) {
    const signature = signatureOf(row);
    if (!signature || !own || text === undefined) continue;
    const isOwnName = row.keyName === own.name;
    if (isOwnName === row.ofWitness) continue;
    if (isOwnName && !(row.keyId === own.keyId && (await verifiesOnce(own, text, row.line, signature))))
      continue;
    if (isOwnName) timestampedAt = parseCosignature(signature).timestamp * 1_000;
    lines += row.line;
  }
  return { lines, timestampedAt };
}

function textOf(note: string): string | undefined {
  try {
    return parseNote(note).text;
  } catch {
    return undefined;
  }
}

/** The bytes of the signature; undefined when the row is not one line of a cosignature by the key that it names. */
function signatureOf({ line, keyName, keyId }: StoredLine): Uint8Array | undefined {
  try {
    const [parsed, ...others] = parseSignatureLines(line);
    if (!parsed || others.length > 0 || parsed.name !== keyName || parsed.keyId !== keyId) return undefined;
    if (formatSignatureLine(parsed) !== line) return undefined;
    parseCosignature(parsed.signature);
    return parsed.signature;
  } catch {
    return undefined;
  }
}

const verifiers = new Map<string, NoteVerifier>();

/** The verifier of the log's own timestamps: they are by the key that signs its checkpoints. Undefined: there is no such key. */
function timestampVerifier(verifierKey: string): NoteVerifier | undefined {
  const known = verifiers.get(verifierKey);
  if (known) return known;
  let made: NoteVerifier;
  try {
    made = cosignatureVerifier({ ...parseVerifierKey(verifierKey), type: ED25519_COSIGNATURE });
  } catch {
    return undefined;
  }
  // An instance has one log; more of them are tests.
  if (verifiers.size < MAX_REMEMBERED) verifiers.set(verifierKey, made);
  return made;
}

const MAX_REMEMBERED = 64;
const verified = new Map<string, boolean>();

// A checkpoint is read far more often than it is signed, and a verification takes a tenth of a millisecond.
async function verifiesOnce(
  key: NoteVerifier,
  text: string,
  line: string,
  signature: Uint8Array,
): Promise<boolean> {
  const name = `${key.keyId} ${line}${text}`;
  const known = verified.get(name);
  if (known !== undefined) return known;
  const isRight = await key.verify(text, signature);
  if (verified.size >= MAX_REMEMBERED) verified.delete(verified.keys().next().value as string);
  verified.set(name, isRight);
  return isRight;
}

/** What a witness cosigned last, as far as it is stored here. */
export async function readLatestCosignature(
  db: Pool,
  { name, keyId }: { name: string; keyId: number },
): Promise<{ treeSize: number; cosignedAt: number } | undefined> {
  const found = await prismaOn(db).cosignature.findFirst({
    where: { ofWitness: true, keyName: name, keyId },
    orderBy: { treeSize: 'desc' },
    select: { treeSize: true, cosignedAt: true },
  });
  return found ? { treeSize: Number(found.treeSize), cosignedAt: found.cosignedAt.getTime() } : undefined;
}
