import type { PoolClient } from 'pg';
import { Peekable, streamRows } from '../db/bulk-read.ts';
import { Prisma } from '../db/generated/client.ts';
import type { Reads } from '../db/queries.ts';
import { originOf, type TreeName } from '../evidence/tree-names.ts';
import { openCheckpoint } from '../merkle/checkpoint.ts';
import { equalHashes } from '../merkle/hash.ts';
import { type NoteSignature, parseNote, parseSignatureLines } from '../merkle/note.ts';
import { type NoteVerifier, parseCosignature } from '../merkle/signatures.ts';
import { type Frontier, rootOf } from '../merkle/tree.ts';
import type { Findings } from './findings.ts';
import type { SavedCheckpoint, Trust } from './trust.ts';

/** A row of the table `checkpoints`. */
export interface CheckpointRow {
  tree: TreeName;
  treeSize: number;
  logSize: number;
  rootHash: Buffer;
  note: string;
}

/** The stored checkpoints of the log's tree, or of all other trees, ordered by tree and size. */
export function streamCheckpoints(client: PoolClient, which: 'log' | 'others'): Peekable<CheckpointRow> {
  const sql = `SELECT tree, tree_size AS "treeSize", log_size AS "logSize", root_hash AS "rootHash", note
    FROM checkpoints WHERE tree ${which === 'log' ? '=' : '<>'} 'log' ORDER BY tree, tree_size, log_size`;
  return new Peekable(streamRows<CheckpointRow>(client, { sql, size: 500 }));
}

export interface CheckpointCheckOptions {
  tree: TreeName;
  trust: Trust | undefined;
  stored: Peekable<CheckpointRow>;
  saved: readonly SavedCheckpoint[];
  findings: Findings;
  /** Takes the findings of comparisons with the tree, which may itself be wrong. */
  compared: Findings;
}

/** Compares the checkpoints of one tree, ordered by size, with the tree while it is rebuilt. */
export class CheckpointCheck {
  readonly #options: CheckpointCheckOptions;
  readonly #saved: SavedCheckpoint[];
  #checked = 0;

  constructor(options: CheckpointCheckOptions) {
    this.#options = options;
    const own = options.saved.filter(({ tree }) => tree === options.tree);
    this.#saved = own.sort((a, b) => a.checkpoint.treeSize - b.checkpoint.treeSize);
  }

  /** The number of stored checkpoints that were checked. */
  get checked(): number {
    return this.#checked;
  }

  /** The size of the next checkpoint; Infinity when none is left. */
  async nextSize(): Promise<number> {
    const stored = await this.#peek();
    return Math.min(stored?.treeSize ?? Infinity, this.#saved[0]?.checkpoint.treeSize ?? Infinity);
  }

  /**
   * Checks the checkpoints up to the size of the rebuilt tree; `frontier` is undefined when it is not known. Returns the
   * sizes of the log that the checkpoints cover.
   */
  async check(size: number, frontier: Frontier | undefined): Promise<number[]> {
    const logSizes: number[] = [];
    const root = frontier && rootOf(frontier);
    for (const { name, checkpoint } of this.#takeSaved(size)) {
      if (root && !equalHashes(root, checkpoint.rootHash))
        this.#compared(`${name} has another root hash than the tree had at its size`, checkpoint.treeSize);
    }
    for (;;) {
      const row = await this.#peek();
      if (!row || row.treeSize > size) return logSizes;
      await this.#options.stored.take();
      if (!(await this.#isRight(row))) continue;
      logSizes.push(row.logSize);
      if (row.treeSize < size || (root && !equalHashes(root, row.rootHash)))
        this.#compared('a signed root hash is not that of the tree', row.treeSize);
    }
  }

  /** Checks the remaining checkpoints, which are larger than the complete tree of `size` leaves. */
  async finish(size: number, isIncomplete: boolean): Promise<void> {
    const { tree, stored, compared } = this.#options;
    for (const { name, checkpoint } of this.#takeSaved(Infinity)) {
      if (isIncomplete) continue;
      const message = `${name} is of ${checkpoint.treeSize} events, but there are only ${size}`;
      compared.add({ kind: 'truncated', message, tree, treeSize: checkpoint.treeSize });
    }
    for await (const row of stored.while((next) => next.tree === tree)) {
      if ((await this.#isRight(row)) && !isIncomplete)
        this.#compared(`a checkpoint is of ${row.treeSize} events, but there are only ${size}`, row.treeSize);
    }
  }

  async #peek(): Promise<CheckpointRow | undefined> {
    const row = await this.#options.stored.peek();
    return row?.tree === this.#options.tree ? row : undefined;
  }

  #takeSaved(size: number): SavedCheckpoint[] {
    const end = this.#saved.findIndex(({ checkpoint }) => checkpoint.treeSize > size);
    return this.#saved.splice(0, end < 0 ? this.#saved.length : end);
  }

  #compared(message: string, treeSize: number): void {
    const { compared, tree } = this.#options;
    compared.add({ kind: 'checkpoint', message, tree, treeSize });
  }

  // Whether the log signed it and its columns match the note.
  async #isRight(row: CheckpointRow): Promise<boolean> {
    this.#checked += 1;
    const { trust, findings, tree } = this.#options;
    if (!trust) return true;
    const problem = await checkpointProblem(row, trust);
    if (problem)
      findings.add({ kind: 'checkpoint', message: `a checkpoint ${problem}`, tree, treeSize: row.treeSize });
    return !problem;
  }
}

async function checkpointProblem(row: CheckpointRow, { origin, logKey }: Trust): Promise<string | undefined> {
  const policy = { origin: originOf(row.tree, origin), logKeys: [logKey] };
  try {
    const { treeSize, rootHash, extensions } = (await openCheckpoint(row.note, policy)).checkpoint;
    const own = row.tree === 'log' ? [] : [`log ${row.logSize}`];
    const isSame =
      treeSize === row.treeSize &&
      equalHashes(rootHash, row.rootHash) &&
      extensions.join('\n') === own.join('\n');
    if (!isSame || (row.tree === 'log' && row.logSize !== treeSize)) return 'is not what its note says';
    return undefined;
  } catch (error) {
    return `does not verify: ${(error as Error).message}`;
  }
}

/** The largest difference between the time in a row and the signed time, in milliseconds. */
const TOLERANCE_MS = 60_000;

interface CosignatureRow {
  treeSize: number;
  line: string;
  keyName: string;
  keyId: number;
  cosignedAt: number;
  ofWitness: boolean;
  /** The note of the checkpoint; null when there is none. */
  note: string | null;
}

const SQL = `SELECT cosignatures.tree_size AS "treeSize", line, key_name AS "keyName", key_id AS "keyId",
    cosigned_at AS "cosignedAt", of_witness AS "ofWitness", note
  FROM cosignatures LEFT JOIN checkpoints ON tree = 'log' AND checkpoints.tree_size = cosignatures.tree_size
  ORDER BY cosignatures.tree_size`;

/** Checks the form of all timestamped signatures, and verifies those by `keys`. Returns the number of signatures. */
export async function checkCosignatures(
  client: PoolClient,
  keys: readonly NoteVerifier[],
  findings: Findings,
): Promise<number> {
  let checked = 0;
  for await (const row of streamRows<CosignatureRow>(client, { sql: SQL, size: 500 })) {
    checked += 1;
    const problem = await cosignatureProblem(row, keys);
    if (problem) {
      const message = `a cosignature ${problem}`;
      findings.add({ kind: 'checkpoint', message, tree: 'log', treeSize: row.treeSize });
    }
  }
  return checked;
}

async function cosignatureProblem(
  row: CosignatureRow,
  keys: readonly NoteVerifier[],
): Promise<string | undefined> {
  if (row.note === null) return 'is of a checkpoint that is missing';
  try {
    const [signature, ...others] = parseSignatureLines(row.line);
    if (!signature || others.length > 0) return 'is not one line';
    return await signatureProblem(row, { signature, text: parseNote(row.note).text }, keys);
  } catch (error) {
    return `is malformed: ${(error as Error).message}`;
  }
}

async function signatureProblem(
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

// The trees whose number of stored checkpoints or cosignatures differs from the number counted when they were stored. As
// `numeric`, since the difference to a count that an attacker stored may be too large for a bigint.
const SURPLUS = Prisma.sql`SELECT tree, checkpoints::float8 AS checkpoints, cosignatures::float8 AS cosignatures FROM (
    SELECT tree,
      coalesce(stored.checkpoints, 0)::numeric - coalesce(counts.checkpoints, 0) AS checkpoints,
      CASE WHEN tree = 'log' THEN (SELECT count(*) FROM cosignatures) ELSE 0 END::numeric
        - coalesce(counts.cosignatures, 0) AS cosignatures
    FROM (SELECT tree, count(*) AS checkpoints FROM checkpoints GROUP BY tree) AS stored
      FULL JOIN evidence_counts AS counts USING (tree)
  ) AS surplus WHERE checkpoints <> 0 OR cosignatures <> 0`;

/** Checks the number of checkpoints and cosignatures. Nothing else shows that one was removed. */
export async function checkEvidenceCounts(db: Reads, findings: Findings): Promise<void> {
  const rows = await db.$queryRaw<{ tree: TreeName; checkpoints: number; cosignatures: number }[]>(SURPLUS);
  for (const { tree, ...surplus } of rows) {
    for (const kind of ['checkpoints', 'cosignatures'] as const) {
      const message = explain(kind, surplus[kind]);
      if (message) findings.add({ kind: 'checkpoint', message, tree });
    }
  }
}

function explain(kind: string, surplus: number): string | undefined {
  if (surplus === 0) return undefined;
  return surplus < 0
    ? `${-surplus} of the tree's ${kind} were removed`
    : `${surplus} of the tree's ${kind} were put in without being counted`;
}
