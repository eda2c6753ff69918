import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A published vector as a JSON file: hashes in base64, counts as decimal text because they go up to 2^64 - 1. */
export interface InclusionVector {
  leafIdx: string;
  treeSize: string;
  root: string | null;
  leafHash: string | null;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
}

export interface ConsistencyVector {
  size1: string;
  size2: string;
  root1: string | null;
  root2: string | null;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
}

const sample = join(import.meta.dirname, 'vectors');

/** The folder with all of transparency-dev/merkle's testdata, or the few of them that are kept here. */
const folder = process.env.MERKLE_VECTORS ?? sample;

/** How many vectors of a kind the folder must at least hold, so that an empty one is not taken for a success. */
export const atLeast = folder === sample ? 10 : 98;

export function readVectors<V>(kind: 'inclusion' | 'consistency'): V[] {
  const directory = join(folder, kind);
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(directory, name), 'utf8');
      return { file: name, ...JSON.parse(text.replace(/: *(\d+)(?=,)/g, ': "$1"')) };
    });
}

export function fromBase64(text: string | null): Uint8Array {
  return Uint8Array.from(Buffer.from(text ?? '', 'base64'));
}
