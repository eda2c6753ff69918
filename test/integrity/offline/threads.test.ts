import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashLines } from '../../../src/integrity/verify/offline/hash-lines.ts';
import { linesOf } from './made-log.ts';

const ROOT = join(import.meta.dirname, '../../..');

type Threads = typeof import('../../../src/integrity/verify/offline/hash-threads.ts');

let folder: string;
let built: Threads;

// Threads run what is published, so it is built first.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-log-threads-'));
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', folder],
    { cwd: ROOT, encoding: 'utf8' },
  );
  expect(status, stdout).toBe(0);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  built = await import(pathToFileURL(join(folder, 'integrity/verify/offline/hash-threads.js')).href);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

async function* parts(count: number) {
  for (let n = 0; n < count; n += 1) yield bytesOf(n);
}
const bytesOf = (n: number) =>
  Uint8Array.from(
    Buffer.from(
      linesOf(1 + (n % 50))
        .map((line) => `${line}${n}\n`)
        .join(''),
    ),
  );

test.each([0, 1, 2, 5])('%i threads hash the same, in order', async (threads) => {
  let n = 0;
  for await (const hashes of built.hashInThreads(parts(100), threads)) {
    expect(Buffer.from(hashes).equals(Buffer.from(hashLines(bytesOf(n))))).toBe(true);
    n += 1;
  }
  expect(n).toBe(100);
});

test('they end when nobody wants more, or when the source breaks off', async () => {
  for await (const _ of built.hashInThreads(parts(100), 2)) break;
  async function* broken() {
    yield* parts(3);
    throw new Error('the disk is gone');
  }
  const all = async () => {
    for await (const _ of built.hashInThreads(broken(), 2));
  };
  await expect(all()).rejects.toThrow('the disk is gone');
});
