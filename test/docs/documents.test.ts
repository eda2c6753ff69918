import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { SCOPES } from '../../src/auth/principal-and-scopes.ts';
import { SETTING_NAMES } from '../../src/config.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { DOCUMENT_BOUNDS } from '../../src/server/document-limits.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DOCUMENTS = [
  'README.md',
  'bench/README.md',
  'test/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const REFERENCE = read('docs/reference.md');

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The first column of the table below a heading, without its head. */
function rowsOf(heading: string): string[] {
  const section = REFERENCE.slice(REFERENCE.indexOf(`\n## ${heading}\n`) + 1).split('\n## ')[0] as string;
  return [...section.matchAll(/^\| `([\w:]+)`/gm)].map(([, name]) => name as string);
}

test.each(DOCUMENTS)('the links of %s lead to files and headings', (path) => {
  const links = [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)];
  const broken = links.filter(([, file = '', anchor]) => {
    const target = file === '' ? path : join(dirname(path), file);
    return !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

test.each(DOCUMENTS)('the source files that %s names are there', (path) => {
  const named = [...read(path).matchAll(/`((?:src|test|bench|prisma|examples|scripts)(?:\/[\w.@-]+)+)`/g)];
  expect(named.map(([, file]) => file as string).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

test('README.md links to every document', () => {
  for (const path of DOCUMENTS.filter((path) => path !== 'README.md'))
    expect(read('README.md')).toContain(`(${path})`);
});

test('docs/reference.md names every setting, error code, scope and bound of documents', () => {
  const settings = REFERENCE.slice(REFERENCE.indexOf('| topic'), REFERENCE.indexOf('## Scopes'));
  const named = settings.split('\n').flatMap((row) => row.split('|')[2]?.match(/[A-Z][A-Z_]+/g) ?? []);
  expect(named.sort()).toEqual([...SETTING_NAMES].sort());
  expect(rowsOf('Scopes')).toEqual(SCOPES);
  expect(rowsOf('Errors')).toEqual(ERROR_CODES);
  const { characters, tokens, fields, depth, aliases, directives, rootFields } = DOCUMENT_BOUNDS;
  const bounds = REFERENCE.slice(
    REFERENCE.indexOf('- Documents: '),
    REFERENCE.indexOf('- WebSocket messages'),
  );
  expect(bounds.match(/\d[\d,]*(?= )/g)?.map((number) => Number(number.replaceAll(',', '')))).toEqual([
    characters,
    tokens,
    fields,
    depth,
    aliases,
    directives,
    rootFields,
  ]);
});
