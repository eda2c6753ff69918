import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proveConsistency } from '../../src/merkle/prove.ts';
import { nodesFromTiles } from '../../src/merkle/tile.ts';
import { compareCheckpoints } from '../../src/verify/consistency.ts';
import { LogFileError, type ReadLogFile, tilesFrom } from '../../src/verify/log-files.ts';
import { type RemoteOptions, verifyRemote } from '../../src/verify/remote.ts';
import { announcing, checkpointOf, filesOf, linesOf, reading } from './made-log.ts';

const SIZE = 1_500;
const LINES = linesOf(SIZE);
const NOW = checkpointOf(LINES, SIZE);
const FILES = filesOf(LINES);

function verify(read: ReadLogFile, options: Partial<RemoteOptions> = {}) {
  return verifyRemote({
    read,
    readTiles: tilesFrom(read),
    now: NOW,
    saved: [],
    withEntries: true,
    ...options,
  });
}

describe('a remote log', () => {
  test('as it is', async () => {
    const kept = [1, 256, 700, SIZE].map((size) => checkpointOf(LINES, size));
    const found = await verify(reading(FILES), { saved: kept });
    expect(found).toEqual({ leaves: SIZE, events: SIZE, removed: 0, refused: undefined, findings: [] });
  });

  test('with any bit of any file turned', () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...FILES.keys()), fc.nat(), fc.nat(7), async (path, at, bit) => {
        const bytes = Uint8Array.from(FILES.get(path) as Uint8Array);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ (1 << bit);
        const { findings } = await verify(reading(new Map(FILES).set(path, bytes)));
        expect(findings.length).toBeGreaterThan(0);
        const kinds = findings.map(({ kind }) => kind);
        if (path.startsWith('tile/entries')) expect(kinds).not.toContain('tile');
        else expect(kinds).toEqual(['tile']);
      }),
      { numRuns: 150 },
    ));

  test('without any one of its files', async () => {
    for (const path of FILES.keys()) {
      const files = new Map(FILES);
      files.delete(path);
      expect((await verify(reading(files))).findings.length, path).toBe(1);
    }
  });

  test('names the event that is another', async () => {
    const files = new Map([
      ...FILES,
      ...[...filesOf(LINES.with(900, 'x'))].filter(([path]) => /entries/.test(path)),
    ]);
    expect((await verify(reading(files))).findings).toMatchObject([{ kind: 'changed', position: 900 }]);
  });

  test('that was rolled back or rewritten shows against what was kept', async () => {
    const larger = checkpointOf(linesOf(SIZE + 20), SIZE + 20);
    const other = checkpointOf(LINES.with(5, 'x'), 300);
    const { findings } = await verify(reading(FILES), { saved: [larger, other] });
    expect(findings).toMatchObject([
      { kind: 'truncated', treeSize: SIZE + 20 },
      { kind: 'checkpoint', treeSize: 300 },
    ]);
  });

  test('without events that the key may not read, or that retention removed', async () => {
    const refusing = (status: number, upTo: number): ReadLogFile => {
      return async (path) => {
        const index = Number(/entries\/(\d+)/.exec(path)?.[1] ?? Number.NaN);
        if (index < upTo) throw new LogFileError('no', status);
        return FILES.get(path);
      };
    };
    expect(await verify(refusing(403, 9))).toMatchObject({ events: 0, leaves: SIZE, findings: [] });
    const unannounced = await verify(refusing(410, 2));
    expect(unannounced).toMatchObject({ events: SIZE - 512, removed: 512 });
    expect(unannounced.findings).toMatchObject([{ kind: 'missing', position: 0 }]);
    await expect(verify(refusing(500, 2))).rejects.toThrow(LogFileError);
  });

  test('without events that retention removed, as far as one of its events announces that', async () => {
    const without = (lines: string[], upTo: number) => {
      const files = filesOf(lines);
      const read: ReadLogFile = async (path) => {
        if (Number(/entries\/(\d+)/.exec(path)?.[1] ?? Number.NaN) < upTo) throw new LogFileError('no', 410);
        return files.get(path);
      };
      return verify(read, { now: checkpointOf(lines, SIZE) });
    };
    const whole = announcing(LINES, 300);
    expect(await without(whole, 2)).toMatchObject({ removed: 512, findings: [] });
    expect((await without(whole, 3)).findings).toMatchObject([{ kind: 'missing', position: 300 }]);
    const other = announcing(LINES.with(7, 'x'), 300).with(7, LINES[7] as string);
    expect((await without(other, 2)).findings).toMatchObject([{ kind: 'checkpoint' }]);
  });

  test('whose events end in the middle', async () => {
    const read: ReadLogFile = async (path) => {
      if (path === 'tile/entries/003') throw new LogFileError('gone', 410);
      return FILES.get(path);
    };
    expect((await verify(read)).findings).toMatchObject([{ kind: 'missing', position: 768 }]);
  });
});

describe('two checkpoints', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: SIZE }), fc.integer({ min: 1, max: SIZE }));

  test('of one log are consistent, by a proof or by the tiles', () =>
    fc.assert(
      fc.asyncProperty(sizes, async ([a, b]) => {
        const [one, other] = [checkpointOf(LINES, a), checkpointOf(LINES, b)];
        const larger = Math.max(a, b);
        const tiles = tilesFrom(reading(filesOf(LINES.slice(0, larger))));
        expect(await compareCheckpoints(one, other, { tiles })).toEqual([]);
        const proof = await proveConsistency(Math.min(a, b), larger, nodesFromTiles(larger, tiles));
        expect(await compareCheckpoints(one, other, { proof })).toEqual([]);
        expect(await compareCheckpoints(one, other, {})).toEqual(a === b ? [] : undefined);
      }),
      { numRuns: 25 },
    ));

  test('of two logs are not', async () => {
    const other = LINES.with(5, 'x');
    const tiles = tilesFrom(reading(FILES));
    const fork = checkpointOf(other, 800);
    expect(await compareCheckpoints(fork, NOW, { tiles })).toMatchObject([
      { kind: 'checkpoint', treeSize: 800 },
    ]);
    const proof = await proveConsistency(800, SIZE, nodesFromTiles(SIZE, tiles));
    expect(await compareCheckpoints(fork, NOW, { proof })).toMatchObject([{ kind: 'checkpoint' }]);
    expect(await compareCheckpoints(checkpointOf(LINES, 800), NOW, { proof: proof.slice(1) })).toHaveLength(
      1,
    );
    expect(await compareCheckpoints(checkpointOf(LINES, 800), fork, {})).toHaveLength(1);
    const foreign = tilesFrom(reading(filesOf(other)));
    expect(await compareCheckpoints(checkpointOf(LINES, 800), NOW, { tiles: foreign })).toMatchObject([
      { kind: 'tile' },
    ]);
  });
});
