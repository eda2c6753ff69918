import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

test('docs/threat-model.md names files by their paths below src and test', () => {
  const text = readFileSync(new URL('docs/threat-model.md', root), 'utf8');
  const names = [...text.matchAll(/`([\w/.-]+\.ts)`/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(25);
  const folderOf = (name: string) => (/\.(test|law|fault)\.ts$/.test(name) ? 'test' : 'src');
  const isThere = (name: string) => existsSync(new URL(`${folderOf(name)}/${name}`, root));
  expect(names.filter((name) => !isThere(name))).toEqual([]);
});
