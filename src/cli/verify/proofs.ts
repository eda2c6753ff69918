import { readFile } from 'node:fs/promises';
import { treeOfOrigin } from '../../evidence/tree-names.ts';
import type { TrustedCheckpoint } from '../../merkle/checkpoint.ts';
import { decodeBase64 } from '../../merkle/encoding.ts';
import { leafHash } from '../../merkle/hash.ts';
import { parseNote, parseVerifierKey } from '../../merkle/note.ts';
import { type ProofBundle, parseBundle, verifyBundle } from '../../merkle/proof-bundle.ts';
import { cosignatureVerifier, SignatureError } from '../../merkle/signatures.ts';
import { parseJson } from '../../parse-json.ts';
import { compareCheckpoints } from '../../verify/consistency.ts';
import type { Findings } from '../../verify/findings.ts';
import { givenKey, logFilesAt, tilesFrom } from '../../verify/log-files.ts';
import { type SavedCheckpoint, trustKey } from '../../verify/trust.ts';
import { type CommandResult, findingLines, printable } from './output.ts';
import { readSavedCheckpoints, treeOfAll, treeTitle } from './saved-checkpoints.ts';

export interface BundleFlags {
  key: string;
  witness?: string[];
  quorum?: number;
}

/** Verifies a proof bundle, which contains the event, its proof and a checkpoint. */
export async function verifyTheBundle(path: string, flags: BundleFlags): Promise<CommandResult> {
  const bundle = parseBundle(await readText(path));
  if (!bundle.extra) throw new Error('the bundle does not contain the event');
  const { trust, tree, policy } = policyFor(bundle, flags);
  try {
    if (!tree) throw new SignatureError(`it is not of the log ${trust.origin}`);
    const trusted = await verifyBundle(leafHash(bundle.extra), bundle, policy);
    return trusted
      ? verified(bundle.extra, bundle, { tree, trusted })
      : doesNotHold('the proof is not that of the event');
  } catch (error) {
    if (error instanceof SignatureError) return doesNotHold(error.message);
    throw error;
  }
}

async function readText(path: string): Promise<string> {
  if (path !== '-') return readFile(path, 'utf8');
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function policyFor({ checkpoint }: ProofBundle, { key, witness = [], quorum }: BundleFlags) {
  const trust = trustKey(key);
  const origin = parseNote(checkpoint).text.split('\n', 1)[0] as string;
  const witnesses = witness.map((vkey) => cosignatureVerifier(parseVerifierKey(vkey)));
  return {
    trust,
    tree: treeOfOrigin(origin, trust.origin),
    policy: { origin, logKeys: [trust.logKey], witnesses, quorum: quorum ?? witnesses.length },
  };
}

function doesNotHold(message: string): CommandResult {
  const finding = { kind: 'proof', message };
  return {
    outcome: 'does not hold',
    json: { findings: [finding] },
    lines: ['The evidence does not hold:', `  [proof] ${printable(message)}`],
  };
}

function verified(
  event: Uint8Array,
  { index }: ProofBundle,
  { tree, trusted }: { tree: NonNullable<ReturnType<typeof treeOfOrigin>>; trusted: TrustedCheckpoint },
): CommandResult {
  const text = Buffer.from(event).toString('utf8');
  const { checkpoint, cosignatures } = trusted;
  const witnesses = cosignatures.map(({ name }) => name);
  return {
    outcome: 'verified',
    json: { tree, index, treeSize: checkpoint.treeSize, witnesses, event: parseJson(text), findings: [] },
    lines: [
      `Verified: the event is number ${index}, counted from 0, of the ${checkpoint.treeSize} events of ${printable(treeTitle(tree))}.`,
      ...(witnesses.length > 0 ? [`Witnesses: ${printable(witnesses.join(', '))}`] : []),
      printable(text),
    ],
  };
}

export interface ConsistencyFlags {
  key: string;
  proof?: string;
  tiles?: string;
}

/** Verifies that the later of two checkpoints continues the earlier. */
export async function verifyTheConsistency(
  paths: readonly [string, string],
  { key, proof, tiles }: ConsistencyFlags,
): Promise<CommandResult> {
  const { checkpoints, findings } = await readSavedCheckpoints(key, paths);
  treeOfAll(checkpoints);
  const [one, other, ...more] = checkpoints;
  if (more.length > 0) throw new Error('give files with one checkpoint each');
  if (!one || !other) return resultOf(undefined, checkpoints, findings);
  const vouchers = {
    proof: proof === undefined ? undefined : await readProof(proof),
    tiles: tiles === undefined ? undefined : tilesFrom(logFilesAt(tiles, givenKey())),
  };
  return resultOf(await compareCheckpoints(one, other, vouchers), checkpoints, findings);
}

/** Reads a consistency proof as `audit-log prove growth` writes it: one line of base64 per hash. */
async function readProof(path: string): Promise<Uint8Array[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const hash = decodeBase64(line.trim());
    if (hash?.length !== 32) throw new Error(`${path} is not a proof: a line is not the base64 of 32 bytes`);
    return hash;
  });
}

function resultOf(
  found: Awaited<ReturnType<typeof compareCheckpoints>>,
  checkpoints: readonly SavedCheckpoint[],
  findings: Findings,
): CommandResult {
  for (const finding of found ?? []) findings.add(finding);
  const all = findings.list();
  const sizes = checkpoints.map(({ checkpoint }) => checkpoint.treeSize).sort((a, b) => a - b);
  const json = { sizes, findings: all };
  if (all.length > 0) return { outcome: 'does not hold', json, lines: findingLines(all) };
  const of = printable(treeTitle(checkpoints[0]?.tree ?? 'log'));
  return found
    ? {
        outcome: 'verified',
        json,
        lines: [`Verified: the checkpoint of ${sizes[1]} events of ${of} continues that of ${sizes[0]}.`],
      }
    : {
        outcome: 'undecided',
        json,
        lines: [
          'Undecided: there is nothing to verify it with. Give --proof FILE, or --tiles with the URL of the log.',
        ],
      };
}
