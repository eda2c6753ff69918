import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ExportVerifyOptions, verifyExport } from '../../src/verify/export.ts';
import { tilesFrom } from '../../src/verify/log-files.ts';
import { announcing, checkpointOf, filesOf, linesOf, reading } from './made-log.ts';

const SIZE = 1_500;
const LINES = linesOf(SIZE);
const WHOLE = checkpointOf(LINES, SIZE);
const TILES = tilesFrom(reading(filesOf(LINES)));

/** Verifies lines, which arrive in pieces of any length. */
function verify(lines: readonly string[], options: Partial<ExportVerifyOptions> = {}, pieceBytes = 10_007) {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  async function* open() {
    for (let start = 0; start < bytes.length; start += pieceBytes)
      yield bytes.subarray(start, start + pieceBytes);
  }
  return verifyExport({ open, canReopen: true, checkpoints: [WHOLE], threads: 0, ...options });
}

/** Edits of one line, and what is to be found at its position. */
const EDITS: Record<string, { edit: (lines: string[], at: number) => string[]; kind: string }> = {
  changed: { edit: (lines, at) => lines.with(at, `{"action":"other${at}"}`), kind: 'changed' },
  removed: { edit: (lines, at) => lines.toSpliced(at, 1), kind: 'missing' },
  'three removed': { edit: (lines, at) => lines.toSpliced(at, 3), kind: 'missing' },
  'put in': { edit: (lines, at) => lines.toSpliced(at, 0, '{"action":"new"}'), kind: 'extra' },
  'said twice': { edit: (lines, at) => lines.toSpliced(at, 0, lines[at - 1] ?? '{}'), kind: 'extra' },
  'exchanged with the next': {
    edit: (lines, at) => lines.with(at, lines[at + 1] as string).with(at + 1, lines[at] as string),
    kind: 'out of order',
  },
};
const edits = fc.constantFrom(...Object.keys(EDITS));
const place = fc.nat(SIZE - 5);

describe('an export', () => {
  test('that is whole gives all its checkpoints', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(SIZE), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 80_000 }),
        async (sizes, pieceBytes) => {
          const checkpoints = sizes.map((size) => checkpointOf(LINES, size));
          const found = await verify(LINES, { checkpoints }, pieceBytes);
          const newer = SIZE - Math.max(...sizes);
          expect(found).toMatchObject({ findings: [], held: sizes.length, lines: SIZE, newer });
        },
      ),
      { numRuns: 30 },
    ));

  test('with a wrong line: the first is named, and how, with tiles', () =>
    fc.assert(
      fc.asyncProperty(edits, place, async (name, at) => {
        const { edit, kind } = EDITS[name] as (typeof EDITS)[string];
        const { findings } = await verify(edit([...LINES], at), { tiles: TILES });
        expect(findings).toMatchObject([{ kind, position: at }]);
      }),
      { numRuns: 150 },
    ));

  test('with a wrong line: without tiles between which checkpoints it is', () =>
    fc.assert(
      fc.asyncProperty(
        edits,
        place,
        fc.uniqueArray(fc.nat(SIZE), { maxLength: 3 }),
        async (name, at, sizes) => {
          const { edit } = EDITS[name] as (typeof EDITS)[string];
          const checkpoints = [...sizes.map((size) => checkpointOf(LINES, size)), WHOLE];
          const { findings } = await verify(edit([...LINES], at), { checkpoints });
          const before = Math.max(0, ...sizes.filter((size) => size <= at));
          expect(findings).toHaveLength(1);
          expect(findings[0]?.position ?? before).toBe(before);
          expect(['different', 'truncated']).toContain(findings[0]?.kind);
        },
      ),
      { numRuns: 60 },
    ));

  test('that was cut off: where it ends, when it is known that it is right up to there', async () => {
    const cut = LINES.slice(0, 1_000);
    expect((await verify(cut)).findings).toMatchObject([{ kind: 'truncated' }]);
    const checkpoints = [checkpointOf(LINES, 1_000), WHOLE];
    expect((await verify(cut, { checkpoints })).findings).toMatchObject([
      { kind: 'truncated', position: 1_000 },
    ]);
    expect((await verify(cut, { tiles: TILES })).findings).toMatchObject([
      { kind: 'missing', position: 1_000 },
    ]);
    expect((await verify([], { tiles: TILES })).findings).toMatchObject([{ kind: 'missing', position: 0 }]);
  });

  test('that has too few lines for innocent reasons: they are named', async () => {
    const checkpoints = [checkpointOf(LINES, 1_000), WHOLE];
    const early = await verify(LINES.slice(0, 1_000), { checkpoints });
    expect(early.findings[0]?.message).toContain('taken after the export');
    const filtered = await verify(LINES.filter((_, at) => at % 2 === 0));
    for (const cause of ['taken after the export', '--filter', '--start POSITION --tiles URL'])
      expect(filtered.findings[0]?.message).toContain(cause);
  });

  test('from standard input is told to the tile', async () => {
    const lines = LINES.toSpliced(700, 1);
    const { findings } = await verify(lines, { tiles: TILES, canReopen: false });
    expect(findings).toMatchObject([{ kind: 'different', position: 512 }]);
  });

  test('a line that is no canonical form was changed, with or without tiles', async () => {
    const { findings } = await verify(LINES.with(44, LINES[44]?.replace(',', ', ') ?? ''));
    expect(findings).toMatchObject([{ kind: 'changed', position: 44 }]);
  });

  test('of what retention left, with the hashes of what it removed', async () => {
    for (const start of [1, 255, 256, 700, SIZE - 1]) {
      const whole = announcing(LINES, start);
      const lines = whole.slice(start);
      const checkpoints = [checkpointOf(whole, SIZE - 1), checkpointOf(whole, SIZE)];
      const options = { tiles: tilesFrom(reading(filesOf(whole))), start, checkpoints };
      expect(await verify(lines, options)).toMatchObject({ findings: [], lines: SIZE - start, newer: 0 });
      if (lines.length < 4) continue;
      const { findings } = await verify(lines.toSpliced(2, 1), options);
      expect(findings).toMatchObject([{ kind: 'missing', position: start + 2 }]);
    }
    for (const checkpoints of [[checkpointOf(LINES, 400)], [WHOLE]]) {
      const { findings } = await verify(announcing(LINES, 700).slice(700), { checkpoints });
      expect(findings).toHaveLength(1);
      expect(findings[0]?.message).toContain('--start 700 --tiles URL');
    }
    await expect(verify(LINES.slice(3), { start: 3 })).rejects.toThrow('with tiles');
    const unannounced = await verify(LINES.slice(3), { start: 3, tiles: TILES });
    expect(unannounced.findings).toMatchObject([{ kind: 'missing', position: 0 }]);
  });

  test('of what retention left, when only a line behind the last checkpoint announces that', async () => {
    const whole = announcing(LINES, 300);
    const options = { tiles: tilesFrom(reading(filesOf(whole))), start: 300 };
    const checkpoints = [checkpointOf(whole, SIZE - 1)];
    expect(await verify(whole.slice(300), { ...options, checkpoints })).toMatchObject({
      findings: [],
      isAnnouncedLater: true,
    });
  });

  test('tiles that are not those of the checkpoint help nobody, and are found out', async () => {
    const files = filesOf(linesOf(SIZE).with(3, 'x'));
    const { findings } = await verify(LINES.with(700, 'y'), { tiles: tilesFrom(reading(files)) });
    expect(findings).toMatchObject([{ kind: 'changed', position: 700 }]);
    expect(findings[0]?.message).toContain('the tiles do not help');
  });

  test('an earlier checkpoint that the lines do not give is of another log', async () => {
    const other = { ...checkpointOf(linesOf(SIZE).with(3, 'x'), 100), name: 'other' };
    const { findings } = await verify(LINES, { checkpoints: [other, WHOLE] });
    expect(findings).toMatchObject([{ kind: 'checkpoint', treeSize: 100 }]);
  });

  test('something else than lines is refused', async () => {
    await expect(verify(['x'.repeat(1_000_000)])).rejects.toThrow('no event');
    expect((await verify(['x'.repeat(70_000)])).findings).toHaveLength(1);
  });
});
