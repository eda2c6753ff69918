import { readFile } from 'node:fs/promises';
import type { Findings } from '../../integrity/verify/findings.ts';
import { verifyGrowth } from '../../integrity/verify/offline/consistency.ts';
import { logFilesAt, tilesFrom } from '../../integrity/verify/offline/log-files.ts';
import type { SavedCheckpoint } from '../../integrity/verify/trust.ts';
import { decodeBase64 } from '../../merkle/base64.ts';
import { linesOf } from './findings.ts';
import { harmless, type Result } from './outcome.ts';
import { nameOfTree, readTrusted, treeOfAll } from './trusted.ts';

export interface ConsistencyFlags {
  key: string;
  proof?: string;
  tiles?: string;
}

/** Verifies that of two checkpoints the later continues the earlier. */
export async function verifyTheConsistency(
  paths: readonly [string, string],
  { key, proof, tiles }: ConsistencyFlags,
): Promise<Result> {
  const { checkpoints, findings } = await readTrusted(key, paths);
  treeOfAll(checkpoints);
  const [one, other, ...more] = checkpoints;
  if (more.length > 0) throw new Error('one checkpoint in each file, please');
  if (!one || !other) return resultOf(undefined, checkpoints, findings);
  const vouchers = {
    proof: proof === undefined ? undefined : await readProof(proof),
    tiles: tiles === undefined ? undefined : tilesFrom(logFilesAt(tiles, process.env.AUDIT_LOG_KEY)),
  };
  return resultOf(await verifyGrowth(one, other, vouchers), checkpoints, findings);
}

/** A consistency proof as `audit-log prove growth` writes it: a line of base64 for each hash. */
async function readProof(path: string): Promise<Uint8Array[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const hash = decodeBase64(line.trim());
    if (hash?.length !== 32)
      throw new Error(`${path} is no proof: it has a line that is not the base64 of 32 bytes`);
    return hash;
  });
}

function resultOf(
  found: Awaited<ReturnType<typeof verifyGrowth>>,
  checkpoints: readonly SavedCheckpoint[],
  findings: Findings,
): Result {
  for (const finding of found ?? []) findings.add(finding);
  const all = findings.list();
  const sizes = checkpoints.map(({ checkpoint }) => checkpoint.treeSize).sort((a, b) => a - b);
  const json = { sizes, findings: all };
  if (all.length > 0) return { outcome: 'does not hold', json, lines: linesOf(all) };
  const of = harmless(nameOfTree(checkpoints[0]?.tree ?? 'log'));
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
          'Undecided: nothing says whether one continues the other. Give a --proof, or --tiles at the log.',
        ],
      };
}
