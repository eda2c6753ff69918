import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

// Imports point one way, towards the log and the maths. This table is the rule: what each folder of src/, or a part of one,
// may import beside itself. A part has only its own rule.
const LOG = [
  'deadline.ts',
  'errors.ts',
  'event-loop.ts',
  'parse-json.ts',
  'response-body.ts',
  'merkle',
  'events',
  'db',
  'log',
];
const READERS = [...LOG, 'log/retention', 'evidence', 'verify', 'feed', 'auth', 'audit'];
// The API reads through the log: of the database it sees the type `Pool` alone, to pass it on.
const API = READERS.filter((part) => part !== 'db');
const API_CLIENT = ['cli/messages.ts', 'client', 'errors.ts', 'events', 'import', 'merkle', 'parse-json.ts'];
const MAY_IMPORT: Record<string, readonly string[]> = {
  merkle: [],
  events: ['errors.ts', 'parse-json.ts', 'merkle'],
  db: ['errors.ts', 'parse-json.ts'],
  log: LOG,
  'log/retention': [...LOG, 'evidence', 'verify'],
  feed: LOG,
  evidence: LOG,
  verify: [...LOG, 'evidence'],
  auth: LOG,
  audit: [...LOG, 'auth'],
  schema: [...API, 'db/pool.ts'],
  server: [...API, 'db/pool.ts', 'schema'],
  library: [...READERS, 'schema', 'server', 'config.ts', 'shutdown.ts'],
  client: ['parse-json.ts'],
  import: API_CLIENT,
  cli: [
    ...READERS,
    'cli/export.ts',
    'cli/import.ts',
    'cli/messages.ts',
    'cli/prove.ts',
    'client',
    'import',
    'config.ts',
    'env-file.ts',
    'serve.ts',
    'shutdown.ts',
  ],
  'cli/messages.ts': [],
  'cli/export.ts': API_CLIENT,
  'cli/import.ts': API_CLIENT,
  'cli/prove.ts': API_CLIENT,
};

const SRC = join(import.meta.dirname, '../src');

/** Every file of src/ that is written by hand, with the files that it imports, types included. */
function readImports(): Map<string, string[]> {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('generated/'))
    .map((path) => path.replaceAll('\\', '/'));
  return new Map(paths.map((path) => [path, importsOf(path, readFileSync(join(SRC, path), 'utf8'))]));
}

function importsOf(path: string, text: string): string[] {
  const specifiers = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+)'/g);
  return [...specifiers].map(([, specifier = '']) =>
    relative(SRC, join(SRC, dirname(path), specifier)).replaceAll('\\', '/'),
  );
}

/** The folder, or the longest part of one that has a rule, that a file belongs to; a file of src/ itself is its own. */
function partOf(path: string): string {
  const parts = Object.keys(MAY_IMPORT).filter((part) => path === part || path.startsWith(`${part}/`));
  return parts.sort((one, other) => other.length - one.length)[0] ?? path.split('/')[0] ?? path;
}

function isAllowed(from: string, to: string): boolean {
  const part = partOf(from);
  const allowed = MAY_IMPORT[part] ?? [];
  return partOf(to) === part || allowed.includes(partOf(to)) || allowed.includes(to);
}

/** The import circles among files: for each, its files in the order in which they import one another. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (path: string) => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(' > '));
    if (done.has(path)) return;
    done.add(path);
    way.push(path);
    for (const next of imports.get(path) ?? []) visit(next);
    way.pop();
  };
  for (const path of imports.keys()) visit(path);
  return found;
}

const imports = readImports();

test('every folder of src has a rule', () => {
  const folders = [...imports.keys()].filter((path) => path.includes('/')).map((path) => path.split('/')[0]);
  expect(Object.keys(MAY_IMPORT)).toEqual(expect.arrayContaining([...new Set(folders)]));
});

test('imports point one way', () => {
  const wrong = [...imports].flatMap(([from, all]) =>
    from.includes('/') ? all.filter((to) => !isAllowed(from, to)).map((to) => `${from} imports ${to}`) : [],
  );
  expect(wrong).toEqual([]);
});

test('the API imports types alone from the database', () => {
  const ofApi = [...imports.keys()].filter((path) => /^(?:schema|server)\//.test(path));
  const lines = ofApi.flatMap(
    (path) => readFileSync(join(SRC, path), 'utf8').match(/^.*from '[^']*\/db\/[^']+'.*$/gm) ?? [],
  );
  expect(lines).not.toEqual([]);
  for (const line of lines) expect(line).toMatch(/^import type \{ Pool \} /);
});

/** A statement that imports types alone. The compiler leaves it out. */
const TYPES_ALONE = /\b(?:import|export) type [^;]*;/g;
/** A file, or a package, that a file loads: when it is loaded itself, or later. */
const LOADED = /\b(?:from|import)\s*'([^']+)'/g;
const LOADED_LATER = /\bimport\s*\(\s*'([^']+)'/g;

/** What a text of a file of src/ loads, without what it loads later unless that is wanted. */
function specifiersIn(text: string, isLaterWanted: boolean): string[] {
  const rest = text.replace(TYPES_ALONE, '');
  const later = isLaterWanted ? [...rest.matchAll(LOADED_LATER)] : [];
  return [...rest.matchAll(LOADED), ...later].map(([, specifier = '']) => specifier);
}

/** Whatever a file of src/ loads, directly or through other files: their paths, and the names of packages. */
function loadedBy(path: string, isLaterWanted = true, found = new Set<string>()): Set<string> {
  for (const specifier of specifiersIn(readFileSync(join(SRC, path), 'utf8'), isLaterWanted)) {
    const isFile = specifier.startsWith('.');
    const next = isFile
      ? relative(SRC, join(SRC, dirname(path), specifier)).replaceAll('\\', '/')
      : specifier;
    if (found.has(next)) continue;
    found.add(next);
    if (isFile) loadedBy(next, isLaterWanted, found);
  }
  return found;
}

const OF_DATABASE = /^(?:db|schema|server)\/|^pg\b|prisma|postgres|graphql$|pothos/;

// Somebody who verifies evidence without the database waits for no code of the database, and trusts none.
test.each([
  'cli/verify/export.ts',
  'cli/verify/remote.ts',
  'cli/verify/proofs.ts',
  'verify/hash-worker.ts',
  'cli/prove.ts',
  'merkle/index.ts',
])('%s loads no code of the database', (path) => {
  const loaded = [...loadedBy(path)];
  expect(loaded.length).toBeGreaterThan(2);
  expect(loaded.filter((one) => OF_DATABASE.test(one))).toEqual([]);
});

test('the command line loads the code of the database only for the commands that need it', () => {
  expect([...loadedBy('cli/main.ts', false)].filter((one) => OF_DATABASE.test(one))).toEqual([]);
  expect([...loadedBy('cli/main.ts')]).toEqual(expect.arrayContaining(['serve.ts', 'db/prisma.ts']));
});

test('no files import one another in a circle', () => {
  expect(circles(imports)).toEqual([]);
});

test('the rules find what breaks them', () => {
  expect(importsOf('log/a.ts', "import type { X } from '../server/server.ts';")).toEqual([
    'server/server.ts',
  ]);
  expect(importsOf('log/a.ts', "await import('../server/server.ts');")).toEqual(['server/server.ts']);
  expect(importsOf('log/a.ts', "export * from '../server/server.ts';")).toEqual(['server/server.ts']);
  for (const text of [
    "import { a } from './db.ts'; // for later",
    "import type { B } from './b.ts'; import { a } from './db.ts';",
    "import {\n  type B,\n  a,\n} from './db.ts';",
    "import './db.ts';",
    "export * from './db.ts';",
    "const { a } = await import('./db.ts');",
  ])
    expect(specifiersIn(text, true), text).toEqual(['./db.ts']);
  expect([...loadedBy('cli/verify/database.ts')]).toEqual(
    expect.arrayContaining(['verify/database.ts', 'db/prisma.ts', '@prisma/adapter-pg', 'pg']),
  );
  expect(isAllowed('log/a.ts', 'server/server.ts')).toBe(false);
  expect(isAllowed('log/a.ts', 'log/retention/a.ts')).toBe(false);
  expect(isAllowed('server/server.ts', 'log/a.ts')).toBe(true);
  expect(isAllowed('server/server.ts', 'db/pool.ts')).toBe(true);
  expect(isAllowed('server/server.ts', 'db/prisma.ts')).toBe(false);
  expect(
    circles(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['a']],
      ]),
    ),
  ).toEqual(['a > b > c > a']);
});
