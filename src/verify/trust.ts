import type { PrismaClient } from '../db/generated/client.ts';
import { readIdentity } from '../evidence/signing-identity.ts';
import { type TreeName, treeOf } from '../evidence/trees.ts';
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

/** Trusts the given key, which must be that of the log; without one, the key in the database. */
export async function establishTrust(
  prisma: PrismaClient,
  given: string | undefined,
  findings: Findings,
): Promise<Trust | undefined> {
  const trust = given === undefined ? undefined : trustKey(given);
  const stored = await readIdentity(prisma);
  const wrong = (message: string) => findings.add({ kind: 'identity', message });
  if (!stored) {
    if (trust) wrong('the log does not say who signs it');
    return trust;
  }
  if (trust && trust.verifierKey !== stored.verifierKey) wrong(`the log is signed by ${stored.verifierKey}`);
  const own = trust ?? ownTrust(stored.verifierKey, wrong);
  if (own && own.origin !== stored.origin)
    wrong(`the log calls itself "${stored.origin}", and its key is of "${own.origin}"`);
  return own;
}

function ownTrust(verifierKey: string, wrong: (message: string) => void): Trust | undefined {
  try {
    return trustKey(verifierKey);
  } catch (error) {
    wrong(`the log's verifier key is malformed: ${(error as Error).message}`);
    return undefined;
  }
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

/** The tree that a checkpoint's first line names; undefined when it is that of another log. */
export function treeOfOrigin(origin: string, logOrigin: string): TreeName | undefined {
  if (origin === logOrigin) return 'log';
  const prefix = `${logOrigin}/customer/`;
  if (!origin.startsWith(prefix)) return undefined;
  try {
    return treeOf(decodeURIComponent(origin.slice(prefix.length)));
  } catch {
    return undefined;
  }
}
