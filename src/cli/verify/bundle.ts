import { readFile } from 'node:fs/promises';
import { treeOfOrigin, trustIn } from '../../integrity/verify/trust.ts';
import { type ProofBundle, parseBundle, verifyBundle } from '../../merkle/bundle.ts';
import { cosignatureVerifier } from '../../merkle/cosignature.ts';
import { leafHash } from '../../merkle/hash.ts';
import { parseNote } from '../../merkle/note.ts';
import { parseVerifierKey } from '../../merkle/note-key.ts';
import { SignatureError } from '../../merkle/note-signature.ts';
import type { TrustedCheckpoint } from '../../merkle/signed-checkpoint.ts';
import { parseJson } from '../../parse-json.ts';
import { harmless, type Result } from './outcome.ts';
import { nameOfTree } from './trusted.ts';

export interface BundleFlags {
  key: string;
  witness?: string[];
  quorum?: number;
}

/** Verifies a proof bundle, which holds the event, its proof and a checkpoint. */
export async function verifyTheBundle(path: string, flags: BundleFlags): Promise<Result> {
  const bundle = parseBundle(await readText(path));
  if (!bundle.extra) throw new Error('the bundle does not hold the event');
  const { trust, tree, policy } = policyFor(bundle, flags);
  try {
    if (!tree) throw new SignatureError(`it is not of the log ${trust.origin}`);
    const trusted = await verifyBundle(leafHash(bundle.extra), bundle, policy);
    return trusted
      ? verified(bundle.extra, bundle, { tree, trusted })
      : refused('the proof is not that of the event');
  } catch (error) {
    if (error instanceof SignatureError) return refused(error.message);
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
  const trust = trustIn(key);
  const origin = parseNote(checkpoint).text.split('\n', 1)[0] as string;
  const witnesses = witness.map((vkey) => cosignatureVerifier(parseVerifierKey(vkey)));
  return {
    trust,
    tree: treeOfOrigin(origin, trust.origin),
    policy: { origin, logKeys: [trust.logKey], witnesses, quorum: quorum ?? witnesses.length },
  };
}

function refused(message: string): Result {
  const finding = { kind: 'proof', message };
  return {
    outcome: 'does not hold',
    json: { findings: [finding] },
    lines: ['The evidence does not hold:', `  [proof] ${harmless(message)}`],
  };
}

function verified(
  event: Uint8Array,
  { index }: ProofBundle,
  { tree, trusted }: { tree: NonNullable<ReturnType<typeof treeOfOrigin>>; trusted: TrustedCheckpoint },
): Result {
  const text = Buffer.from(event).toString('utf8');
  const { checkpoint, cosignatures } = trusted;
  const witnesses = cosignatures.map(({ name }) => name);
  return {
    outcome: 'verified',
    json: { tree, index, treeSize: checkpoint.treeSize, witnesses, event: parseJson(text), findings: [] },
    lines: [
      `Verified: the event is number ${index}, counted from 0, of the ${checkpoint.treeSize} events of ${harmless(nameOfTree(tree))}.`,
      ...(witnesses.length > 0 ? [`Witnesses: ${harmless(witnesses.join(', '))}`] : []),
      harmless(text),
    ],
  };
}
