import type { PoolClient } from 'pg';
import { parseTimestamp } from '../db/client-with-deadlines.ts';
import { Prisma, type PrismaClient } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { prepared, type Reads } from '../db/queries.ts';
import {
  ED25519_COSIGNATURE,
  formatSignatureLine,
  parseNote,
  parseSignatureLines,
  parseVerifierKey,
} from '../merkle/note.ts';
import { cosignatureVerifier, type NoteVerifier, parseCosignature } from '../merkle/signatures.ts';
import { parseJson } from '../parse-json.ts';
import type { TreeName } from './tree-names.ts';

/** A signed checkpoint as it is stored. */
export interface StoredCheckpoint {
  treeSize: number;
  /** The size of the log that it covers; for the log's own tree the same as `treeSize`. */
  logSize: number;
  rootHash: Buffer;
  /** The note with the log's own signature and, for the log's tree, all cosignatures. */
  note: string;
  /** Milliseconds since 1970. */
  signedAt: number;
  /** The log's last timestamp on it, in seconds of the signing instance's clock; `signedAt` when there is none. */
  timestampedAt: number;
}

// The newest line of each key. A note has at most 100 signatures (`merkle/note.ts`), of which `note` contains one.
const COLUMNS = Prisma.sql`tree_size::float8 AS "treeSize", log_size::float8 AS "logSize", root_hash AS "rootHash", note,
  signed_at::text AS "signedAt", (SELECT verifier_key FROM log_identity) AS "verifierKey", (
    SELECT coalesce(json_agg(json_build_object('line', line, 'keyName', key_name, 'keyId', key_id, 'ofWitness', of_witness)
      ORDER BY of_witness, key_name, key_id), '[]') FROM (
      SELECT * FROM (
        SELECT DISTINCT ON (of_witness, key_name, key_id) line, key_name, key_id, of_witness, cosigned_at
        FROM cosignatures WHERE checkpoints.tree = 'log' AND cosignatures.tree_size = checkpoints.tree_size
        ORDER BY of_witness, key_name, key_id, cosigned_at DESC) AS newest
      ORDER BY of_witness, cosigned_at DESC LIMIT 99) AS lines)::text AS lines`;

interface Row extends Pick<StoredCheckpoint, 'treeSize' | 'logSize' | 'note'> {
  rootHash: Uint8Array;
  signedAt: string;
  verifierKey: string | null;
  /** A JSON array of `StoredSignatureLine`. */
  lines: string;
}

async function readOne(db: Reads, condition: Prisma.Sql): Promise<StoredCheckpoint | undefined> {
  const [row] = await db.$queryRaw<Row[]>(
    prepared(Prisma.sql`SELECT ${COLUMNS} FROM checkpoints WHERE ${condition}
      ORDER BY tree_size DESC, log_size DESC LIMIT 1`),
  );
  if (!row) return undefined;
  const { treeSize, logSize, rootHash } = row;
  const signedAt = parseTimestamp(row.signedAt);
  const stored = parseJson(row.lines) as StoredSignatureLine[];
  const { lines, timestampedAt = signedAt } = await pickSignatureLines(
    row.note,
    row.verifierKey ?? undefined,
    stored,
  );
  const note = row.note + lines;
  return { treeSize, logSize, rootHash: Buffer.from(rootHash), note, signedAt, timestampedAt };
}

/** The last checkpoint of a tree. */
export async function readLatestCheckpoint(db: Reads, tree: TreeName): Promise<StoredCheckpoint | undefined> {
  return readOne(db, Prisma.sql`tree = ${tree}`);
}

/** The last checkpoint of a tree at that size. */
export async function readCheckpointAt(
  db: Reads,
  tree: TreeName,
  treeSize: number,
): Promise<StoredCheckpoint | undefined> {
  return readOne(db, Prisma.sql`tree = ${tree} AND tree_size = ${treeSize}`);
}

/** Stores a checkpoint, unless it is stored already. */
export async function storeCheckpoint(
  client: PoolClient,
  tree: TreeName,
  checkpoint: Omit<StoredCheckpoint, 'signedAt' | 'timestampedAt'>,
): Promise<void> {
  await client.query(
    `INSERT INTO checkpoints (tree, tree_size, log_size, root_hash, note) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING`,
    [tree, checkpoint.treeSize, checkpoint.logSize, checkpoint.rootHash, checkpoint.note],
  );
}

/** The last checkpoint of the log that at least `minWitnesses` witnesses have cosigned. */
export async function readCosignedCheckpoint(
  db: Reads,
  minWitnesses: number,
): Promise<StoredCheckpoint | undefined> {
  // A witness may have cosigned a checkpoint more than once.
  return readOne(
    db,
    Prisma.sql`tree = 'log' AND tree_size = (
       SELECT tree_size FROM cosignatures WHERE of_witness
       GROUP BY tree_size HAVING count(DISTINCT (key_name, key_id)) >= ${minWitnesses} ORDER BY tree_size DESC LIMIT 1)`,
  );
}

/** A timestamped signature of a checkpoint of the log's tree, by the log or by a witness. */
export interface StoredCosignature {
  treeSize: number;
  /** The signature line of the note, with its newline. */
  line: string;
  keyName: string;
  keyId: number;
  /** Milliseconds since 1970. */
  cosignedAt: number;
  ofWitness: boolean;
}

/** Stores a witness's cosignature in addition to the stored ones, which the service's role cannot change. */
export async function storeCosignature(
  pool: Pool,
  { treeSize, line, keyName }: { treeSize: number; line: string; keyName: string },
): Promise<void> {
  await prismaOn(pool).$executeRaw`SELECT add_cosignature(${treeSize}, ${line}, ${keyName})`;
}

/** Replaces the log's own timestamp of its newest checkpoint. Does nothing for any other checkpoint. */
export async function storeTimestamp(
  prisma: PrismaClient,
  { treeSize, line }: { treeSize: number; line: string },
): Promise<void> {
  await prisma.$executeRaw`SELECT renew_timestamp(${treeSize}, ${line})`;
}

/** A stored signature line, not verified: somebody may have changed it in the database. */
export interface StoredSignatureLine {
  line: string;
  keyName: string;
  keyId: number;
  ofWitness: boolean;
}

/** The valid signature lines of a note. */
export interface NoteCosignatures {
  /** The lines to append to the note. */
  lines: string;
  /** The log's last timestamp on the checkpoint, in milliseconds since 1970; undefined when there is none. */
  timestampedAt: number | undefined;
}

/**
 * Picks the stored lines that belong in the note: those by the log's own key that verify, and those of other keys that
 * are well-formed cosignatures by the key in their columns. So a forged or changed line does not make the note malformed.
 */
export async function pickSignatureLines(
  note: string,
  verifierKey: string | undefined,
  stored: readonly StoredSignatureLine[],
): Promise<NoteCosignatures> {
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

/** The bytes of the signature; undefined unless the row is one cosignature line by the key in its columns. */
function signatureOf({ line, keyName, keyId }: StoredSignatureLine): Uint8Array | undefined {
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

/** The verifier of the log's own timestamps, by the key that signs its checkpoints; undefined for a malformed key. */
function timestampVerifier(verifierKey: string): NoteVerifier | undefined {
  const known = verifiers.get(verifierKey);
  if (known) return known;
  let made: NoteVerifier;
  try {
    made = cosignatureVerifier({ ...parseVerifierKey(verifierKey), type: ED25519_COSIGNATURE });
  } catch {
    return undefined;
  }
  // An instance has one log; only tests have more.
  if (verifiers.size < MAX_REMEMBERED) verifiers.set(verifierKey, made);
  return made;
}

const MAX_REMEMBERED = 64;
const verified = new Map<string, boolean>();

// Cached: checkpoints are read far more often than signed, and a verification takes 0.1 ms.
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

/** The last stored cosignature of a witness. */
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
