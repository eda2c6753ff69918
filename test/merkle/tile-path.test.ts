import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entriesPath, parseEntriesPath, parseTilePath, tilePath } from '../../src/merkle/tile-files.ts';

test.each([
  [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
  [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
  [{ level: 1, index: 1, width: 17 }, 'tile/1/001.p/17'],
  [{ level: 63, index: 1_000, width: 255 }, 'tile/63/x001/000.p/255'],
])('%o is %s', (tile, path) => {
  expect(tilePath(tile)).toBe(path);
  expect(parseTilePath(path)).toEqual(tile);
  const { level: _, ...bundle } = tile;
  const ofEntries = path.replace(/^tile\/\d+/, 'tile/entries');
  expect(entriesPath(bundle)).toBe(ofEntries);
  expect(parseEntriesPath(ofEntries)).toEqual(bundle);
  expect(parseTilePath(ofEntries)).toBeUndefined();
  expect(parseEntriesPath(path)).toBeUndefined();
});

test('every tile survives its path', () => {
  const tiles = fc.record({
    level: fc.nat({ max: 63 }),
    index: fc.maxSafeNat(),
    width: fc.integer({ min: 1, max: 256 }),
  });
  fc.assert(
    fc.property(tiles, (tile) => {
      expect(parseTilePath(tilePath(tile))).toEqual(tile);
    }),
  );
});

test.each([
  '',
  'tile/0',
  'tile/0/0',
  'tile/0/0000',
  'tile/00/000',
  'tile/64/000',
  'tile/-1/000',
  'tile/0/x000/001',
  'tile/0/001/001',
  'tile/0/x001',
  'tile/0/X001/001',
  'tile/0/000.p/0',
  'tile/0/000.p/00',
  'tile/0/000.p/01',
  'tile/0/000.p/256',
  'tile/0/000.p/',
  'tile/0/000.p',
  'tile/0/000/',
  '/tile/0/000',
  'tile/0/000\n',
  'tile/0/x999/x999/x999/x999/x999/999',
  'tile/data/000',
])('%j is no path of a tile or bundle', (path) => {
  expect(parseTilePath(path)).toBeUndefined();
  expect(parseEntriesPath(path.replace('tile/0/', 'tile/entries/'))).toBeUndefined();
});
