import { treeOf } from '../../evidence/tree-names.ts';
import { parseNote } from '../../merkle/note.ts';
import { parseCosignature } from '../../merkle/signatures.ts';
import { customerPath } from '../../merkle/tile-files.ts';
import { Findings } from '../../verify/findings.ts';
import { givenKey, logFilesAt, type ReadLogFile, tilesFrom } from '../../verify/log-files.ts';
import { type RemoteVerification, verifyRemote } from '../../verify/remote.ts';
import { openSavedNotes, type SavedCheckpoint, trustKey } from '../../verify/trust.ts';
import { type CommandResult, createProgress, findingLines, printable } from './output.ts';
import { readSavedNotes, treeOfAll, treeTitle } from './saved-checkpoints.ts';

export interface RemoteFlags {
  key?: string;
  /** The customer whose tree to verify. Default: the tree at the prefix. */
  customer?: string;
  checkpoint?: string[];
  /** False verifies the hashes only. */
  entries: boolean;
}

/** Verifies the log that serves C2SP tlog-tiles below a URL, or a copy in a folder. */
export async function verifyTheRemote(prefix: string, flags: RemoteFlags): Promise<CommandResult> {
  const { customer } = flags;
  const tree = customer === undefined ? prefix : `${prefix.replace(/\/+$/, '')}/${customerPath(customer)}`;
  const read = logFilesAt(tree, givenKey());
  const key = flags.key ?? (await readText(read, 'verifier-key')).trim();
  const note = await readText(read, 'checkpoint');
  const findings = new Findings();
  const trust = trustKey(key);
  const [now] = await openSavedNotes([{ name: 'the checkpoint of the log', note }], trust, findings);
  const saved = await openSavedNotes(await readSavedNotes(flags.checkpoint ?? []), trust, findings);
  if (!now) return doesNotHold(findings);
  treeOfAll([now, ...saved]);
  if (customer !== undefined) checkCustomer(customer, { now, saved, findings });
  const progress = createProgress(process.stderr, 'leaves');
  const startMs = performance.now();
  const found = await verifyRemote({
    read,
    readTiles: tilesFrom(read),
    now,
    saved,
    withEntries: flags.entries,
    onProgress: progress.at,
  }).finally(progress.end);
  return resultOf(
    { ...found, findings: [...findings.list(), ...found.findings] },
    {
      now,
      note,
      saved,
      key,
      isKeyGiven: flags.key !== undefined,
      // Without an API key no log serves events.
      areEventsWanted: flags.entries && givenKey() !== undefined,
      seconds: (performance.now() - startMs) / 1_000,
    },
  );
}

function doesNotHold(findings: Findings): CommandResult {
  const list = findings.list();
  return { outcome: 'does not hold', json: { findings: list }, lines: findingLines(list) };
}

/** Checks that the checkpoint is that of the customer's tree. Throws when the log does not know the customer. */
function checkCustomer(
  customer: string,
  { now, saved, findings }: { now: SavedCheckpoint; saved: readonly SavedCheckpoint[]; findings: Findings },
): void {
  // With a larger saved checkpoint, an empty tree is a finding.
  if (now.checkpoint.treeSize === 0 && saved.every(isEmpty))
    throw new Error(`no such customer: the log has no event of the customer "${printable(customer)}"`);
  if (now.tree === treeOf(customer)) return;
  const message = `the checkpoint is that of ${printable(treeTitle(now.tree))}`;
  findings.add({ kind: 'checkpoint', message });
}

function isEmpty({ checkpoint }: SavedCheckpoint): boolean {
  return checkpoint.treeSize === 0;
}

async function readText(read: ReadLogFile, path: string): Promise<string> {
  const bytes = await read(path);
  if (!bytes) throw new Error(`the log has no file ${path} at this place`);
  return Buffer.from(bytes).toString('utf8');
}

interface ResultContext {
  now: SavedCheckpoint;
  note: string;
  saved: readonly SavedCheckpoint[];
  key: string;
  isKeyGiven: boolean;
  areEventsWanted: boolean;
  seconds: number;
}

function resultOf(found: RemoteVerification, given: ResultContext): CommandResult {
  const { findings, ...rest } = found;
  const { tree, checkpoint } = given.now;
  const signedAt = latestTime(given.note, given.key);
  // A log that hides a changed event would refuse to serve it. So a refusal makes the outcome undecided.
  const isHidden = rest.refused !== undefined && (given.areEventsWanted || rest.events > 0);
  const outcome = findings.length > 0 ? 'does not hold' : isHidden ? 'undecided' : 'verified';
  return {
    outcome,
    json: {
      tree,
      size: checkpoint.treeSize,
      rootHash: Buffer.from(checkpoint.rootHash).toString('hex'),
      timestampedAt: signedAt ?? null,
      ...rest,
      keptCheckpoints: given.saved.length,
      isKeyGiven: given.isKeyGiven,
      seconds: Number(given.seconds.toFixed(3)),
      findings,
    },
    lines: [
      ...(findings.length > 0 ? findingLines(findings) : []),
      ...(outcome === 'undecided' ? ['Undecided: the log refused to show its events.'] : []),
      ...(outcome === 'verified'
        ? [`Verified: what the log serves of ${printable(treeTitle(tree))} matches what was signed.`]
        : []),
      ...describeResult(found, given, signedAt),
    ],
  };
}

function describeResult(
  found: RemoteVerification,
  given: ResultContext,
  signedAt: string | undefined,
): string[] {
  const { leaves, events, removed, refused } = found;
  const own = given.isKeyGiven
    ? ''
    : ' (the key that the log serves: give the key that you saved with --key)';
  const read = `${events === 0 && refused !== undefined ? 'no' : events} events${refused === undefined ? '' : ` (${refused})`}`;
  return [
    `Checkpoint: ${given.now.checkpoint.treeSize} events${signedAt === undefined ? '' : `, last timestamp of the log ${signedAt}`}`,
    `Signed by: ${printable(given.key)}${own}`,
    `Compared: ${leaves} leaf hashes, ${read}, ${given.saved.length} saved checkpoints`,
    ...(removed > 0
      ? [`Removed by retention, as the log says: some or all of the first ${removed} events`]
      : []),
    `Time: ${given.seconds.toFixed(1)} s`,
  ];
}

/** The log's latest timestamp on its checkpoint. */
function latestTime(note: string, verifierKey: string): string | undefined {
  const [name] = verifierKey.split('+');
  const times = parseNote(note).signatures.flatMap(({ name: signer, signature }) =>
    signer === name && signature.length === 72 ? [parseCosignature(signature).timestamp * 1_000] : [],
  );
  return times.length === 0 ? undefined : new Date(Math.max(...times)).toISOString();
}
