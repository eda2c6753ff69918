import type { PoolClient } from 'pg';
import { streamRows } from '../../db/stream.ts';
import { parseCosignature } from '../../merkle/cosignature.ts';
import { type NoteSignature, parseNote, parseSignatureLines } from '../../merkle/note.ts';
import type { NoteVerifier } from '../../merkle/note-signature.ts';
import type { Findings } from './findings.ts';

/** How far the time of a row may be from the one that was signed, in milliseconds: it is taken just before. */
const TOLERANCE_MS = 60_000;

interface CosignatureRow {
  treeSize: number;
  line: string;
  keyName: string;
  keyId: number;
  cosignedAt: number;
  ofWitness: boolean;
  /** Of the checkpoint; null when there is none. */
  note: string | null;
}

const SQL = `SELECT cosignatures.tree_size AS "treeSize", line, key_name AS "keyName", key_id AS "keyId",
    cosigned_at AS "cosignedAt", of_witness AS "ofWitness", note
  FROM cosignatures LEFT JOIN checkpoints ON tree = 'log' AND checkpoints.tree_size = cosignatures.tree_size
  ORDER BY cosignatures.tree_size`;

/** Checks the timestamped signatures of the log's checkpoints: those by `keys` in full. Returns how many there are. */
export async function checkCosignatures(
  client: PoolClient,
  keys: readonly NoteVerifier[],
  findings: Findings,
): Promise<number> {
  let checked = 0;
  for await (const row of streamRows<CosignatureRow>(client, { sql: SQL, size: 500 })) {
    checked += 1;
    const problem = await problemOf(row, keys);
    if (problem) {
      const message = `a cosignature ${problem}`;
      findings.add({ kind: 'checkpoint', message, tree: 'log', treeSize: row.treeSize });
    }
  }
  return checked;
}

async function problemOf(row: CosignatureRow, keys: readonly NoteVerifier[]): Promise<string | undefined> {
  if (row.note === null) return 'is of a checkpoint that is missing';
  try {
    const [signature, ...others] = parseSignatureLines(row.line);
    if (!signature || others.length > 0) return 'is not one line';
    return await problemOfLine(row, { signature, text: parseNote(row.note).text }, keys);
  } catch (error) {
    return `is malformed: ${(error as Error).message}`;
  }
}

async function problemOfLine(
  row: CosignatureRow,
  { signature, text }: { signature: NoteSignature; text: string },
  keys: readonly NoteVerifier[],
): Promise<string | undefined> {
  if (signature.name !== row.keyName || signature.keyId !== row.keyId) return 'is not what its columns say';
  const timestampMs = parseCosignature(signature.signature).timestamp * 1_000;
  if (!(Math.abs(row.cosignedAt - timestampMs) <= TOLERANCE_MS)) return 'is not of the time in its row';
  const key = keys.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
  if (key && row.ofWitness) return 'is called that of a witness, but it is by the log';
  if (key && !(await key.verify(text, signature.signature))) return 'does not verify';
  return undefined;
}
