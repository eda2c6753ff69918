import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const HEAD = 4;
const MIN_RUN = 10;
const TELLING = 16;

/** The part of a secret by which it is recognised, however the rest is escaped: the end of its longest run. */
export function tellingPart(secret: string): string {
  const runs = secret.match(/[A-Za-z0-9]+/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  return longest.length < MIN_RUN ? secret : longest.slice(-TELLING);
}

/** Finds any of many texts in bytes, in one pass. */
export class Needles {
  // The first four bytes tell nearly all other places apart.
  readonly #byHead = new Map<number, Buffer[]>();
  readonly #isFirstPair = new Uint8Array(65_536);

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      const bytes = Buffer.from(text);
      const head = bytes.readUInt32BE(0);
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), bytes]);
      this.#isFirstPair[head >>> 16] = 1;
    }
  }

  /** The texts that are in there. */
  in(hay: Buffer): Set<string> {
    const found = new Set<string>();
    for (let at = 0; at + HEAD <= hay.length; at += 1) {
      const pair = ((hay[at] as number) << 8) | (hay[at + 1] as number);
      if (this.#isFirstPair[pair] === 0) continue;
      for (const bytes of this.#byHead.get(hay.readUInt32BE(at)) ?? []) {
        if (hay.compare(bytes, 0, bytes.length, at, Math.min(at + bytes.length, hay.length)) === 0)
          found.add(bytes.toString());
      }
    }
    return found;
  }
}

/** Every file below a folder. */
export async function* filesBelow(folder: string): AsyncGenerator<{ path: string; bytes: Buffer }> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) yield { path, bytes: await readFile(path) };
  }
}
