import { Findings } from '../../integrity/verify/findings.ts';
import type { SavedCheckpoint } from '../../integrity/verify/trust.ts';
import { openKept, type Trust, trustIn } from '../../integrity/verify/trust.ts';
import { readKept } from './kept.ts';

/** Checkpoints from files, as a verification starts with them. */
export interface Trusted {
  trust: Trust;
  /** Those that the log's key signed. */
  checkpoints: SavedCheckpoint[];
  /** About those that it did not. */
  findings: Findings;
}

/** Reads the key and the checkpoints. Throws when the one is no key or the others are no checkpoints. */
export async function readTrusted(key: string, paths: readonly string[]): Promise<Trusted> {
  const trust = trustIn(key);
  const findings = new Findings();
  return { trust, checkpoints: await openKept(await readKept(paths), trust, findings), findings };
}

/** The tree that all of them are of. Throws when they are of several. */
export function treeOfAll(checkpoints: readonly SavedCheckpoint[]): SavedCheckpoint['tree'] | undefined {
  const [first] = checkpoints;
  const other = checkpoints.find(({ tree }) => tree !== first?.tree);
  if (other) throw new Error(`${first?.name} and ${other.name} are checkpoints of different trees`);
  return first?.tree;
}

/** What people call a tree. */
export function nameOfTree(tree: SavedCheckpoint['tree']): string {
  return tree === 'log' ? 'the log' : `the customer "${tree.slice('customer/'.length)}"`;
}
