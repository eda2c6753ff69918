import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const filesIn = (folder: string) =>
  readdirSync(new URL(folder, root), { recursive: true }).map((file) => `/${folder}/${String(file)}`);

test('docs/threat-model.md names files that are there', () => {
  const text = readFileSync(new URL('docs/threat-model.md', root), 'utf8');
  const names = [...text.matchAll(/`([\w/.-]+\.ts)`/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(25);
  const files = [...filesIn('src'), ...filesIn('test')];
  expect(names.filter((name) => !files.some((file) => file.endsWith(`/${name}`)))).toEqual([]);
});
