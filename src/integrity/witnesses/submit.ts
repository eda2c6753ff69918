import type { Pool } from '../../db/pool.ts';
import { prismaOn } from '../../db/prisma.ts';
import { formatNote, parseNote } from '../../merkle/note.ts';
import { keyIdOf, parseVerifierKey } from '../../merkle/note-key.ts';
import { proveConsistency } from '../../merkle/proof.ts';
import { nodesFromTiles } from '../../merkle/tile.ts';
import { readLatestCheckpoint } from '../checkpoints.ts';
import type { Cosignature } from '../cosignatures.ts';
import { type Answer, type PostOptions, postNote } from '../post-note.ts';
import { tileReader } from '../tiles.ts';
import { cosignatureOf, formatRequest, sizeOfConflict } from './add-checkpoint.ts';
import type { Witness } from './witness.ts';
import { WitnessError } from './witness-error.ts';

const ATTEMPTS = 3;

/** What a submission stands on. */
export interface SubmitOptions extends PostOptions {
  pool: Pool;
  /** The log's public key. */
  verifierKey: string;
}

/**
 * Has a witness cosign the log's last checkpoint. `knownSize` is what it cosigned last as far as this log knows; where
 * it says otherwise, that counts. Answers with undefined while there is no checkpoint.
 * Throws a WitnessError when it declines, and whatever network and database throw.
 */
export async function obtainCosignature(
  options: SubmitOptions,
  witness: Witness,
  knownSize: number,
): Promise<Cosignature | undefined> {
  let oldSize = knownSize;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const outcome = await submit(options, witness, oldSize);
    if (typeof outcome !== 'number') return outcome;
    oldSize = outcome;
  }
  throw new WitnessError('it names another size each time');
}

/** One request: the cosignature, or the size from which the witness wants the proof. */
async function submit(
  options: SubmitOptions,
  { url, verifier }: Witness,
  oldSize: number,
): Promise<Cosignature | number | undefined> {
  // Read behind the witness's word: whatever it has cosigned was stored here before it was sent.
  const last = await readLatestCheckpoint(prismaOn(options.pool), 'log');
  if (!last) return undefined;
  const { treeSize } = last;
  if (oldSize > treeSize)
    throw dispute(`it has cosigned ${oldSize} events, and the log has signed ${treeSize}`);
  const { text, note } = ownNote(last.note, options.verifierKey);
  const proof = await proofBetween(options.pool, oldSize, treeSize);
  const answer = await postNote(`${url}/add-checkpoint`, formatRequest({ oldSize, proof, note }), options);
  if (answer.status === 200) return cosignatureOf(answer.body, verifier, { text, treeSize, now: Date.now() });
  const wanted = sizeOfConflict(answer);
  if (wanted === undefined) throw declined(answer, treeSize);
  return wanted;
}

// Every tree begins with the empty one, which needs no proof and has none.
async function proofBetween(pool: Pool, from: number, to: number): Promise<Uint8Array[]> {
  return from === 0 ? [] : proveConsistency(from, to, nodesFromTiles(to, tileReader(prismaOn(pool), 'log')));
}

// The log's signature alone: a witness need not accept a note with more than sixteen.
function ownNote(note: string, verifierKey: string): { text: string; note: string } {
  const keyId = keyIdOf(parseVerifierKey(verifierKey));
  const { text, signatures } = parseNote(note);
  return { text, note: formatNote({ text, signatures: signatures.filter((line) => line.keyId === keyId) }) };
}

function dispute(message: string): WitnessError {
  return new WitnessError(message, { isDispute: true });
}

const REASONS: Partial<Record<number, string>> = {
  403: 'it does not trust the key of this log',
  404: 'it does not know this log',
  429: 'it is asked too often',
};

function declined({ status, retryAfterMs }: Answer, treeSize: number): WitnessError {
  if (status === 422)
    return dispute(`the checkpoint of ${treeSize} events does not continue what it has cosigned`);
  const reason = REASONS[status] ? `: ${REASONS[status]}` : '';
  return new WitnessError(`status ${status}${reason}`, { retryAfterMs: retryAfterMs ?? 0 });
}
