import { type TreeName, treeOfOrigin } from '../evidence/tree-names.ts';
import { type Checkpoint, openCheckpoint } from '../merkle/checkpoint.ts';
import { FormatError } from '../merkle/encoding.ts';
import { ED25519_COSIGNATURE, parseNote, parseVerifierKey } from '../merkle/note.ts';
import { cosignatureVerifier, type NoteVerifier, noteVerifier } from '../merkle/signatures.ts';
import type { Findings } from './findings.ts';

/** The trusted key of a log. */
export interface Trust {
  origin: string;
  /** In the verifier format of C2SP signed-note. */
  verifierKey: string;
  logKey: NoteVerifier;
  /** The same key, for timestamped signatures. */
  timestampKey: NoteVerifier;
}

/** Trusts a verifier key. Throws a FormatError when it is not a valid key of a log. */
export function trustKey(verifierKey: string): Trust {
  const key = parseVerifierKey(verifierKey);
  return {
    origin: key.name,
    verifierKey,
    logKey: noteVerifier(key),
    timestampKey: cosignatureVerifier({ ...key, type: ED25519_COSIGNATURE }),
  };
}

/** A note from outside the database, and its name for messages. */
export interface SavedNote {
  name: string;
  note: string;
}

/** A checkpoint from outside the database, with verified signatures. */
export interface SavedCheckpoint {
  /** Its name for messages, such as that of its file. */
  name: string;
  tree: TreeName;
  checkpoint: Checkpoint;
}

/**
 * Opens saved checkpoints. One of another log, or without a signature by the log's key, is a finding. Throws a FormatError
 * when a note is not a checkpoint.
 */
export async function openSavedNotes(
  notes: readonly SavedNote[],
  trust: Trust,
  findings: Findings,
): Promise<SavedCheckpoint[]> {
  const opened: SavedCheckpoint[] = [];
  for (const { name, note } of notes) {
    const origin = parseNote(note).text.split('\n', 1)[0] as string;
    const tree = treeOfOrigin(origin, trust.origin);
    try {
      if (!tree) throw new Error(`it is of "${origin}", and the log is "${trust.origin}"`);
      const policy = { origin, logKeys: [trust.logKey], witnesses: [trust.timestampKey] };
      const { checkpoint } = await openCheckpoint(note, policy);
      opened.push({ name, tree, checkpoint });
    } catch (error) {
      if (error instanceof FormatError) throw error;
      findings.add({
        kind: 'checkpoint',
        message: `${name} is not signed by the log: ${(error as Error).message}`,
      });
    }
  }
  return opened;
}
