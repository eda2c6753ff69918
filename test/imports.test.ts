import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

const below = ['db', 'events', 'log', 'merkle'];
const parts = [
  'access',
  'events',
  'exports',
  'feed',
  'integrity',
  'log',
  'merkle',
  'meta-audit',
  'pipeline',
  'retention',
];
// What all but the pure maths may import.
const ANYWHERE = ['event-loop.ts', 'parse-json.ts'];
// What each folder of src/ may import beside itself and that: biome.json says the same in its own way.
const SEES: Record<string, readonly string[]> = {
  merkle: [],
  events: ['errors.ts', 'merkle'],
  db: ['errors.ts', 'merkle'],
  log: ['errors.ts', 'db', 'events', 'merkle'],
  exports: ['errors.ts', ...below],
  feed: ['errors.ts', ...below],
  integrity: ['errors.ts', ...below],
  pipeline: ['errors.ts', ...below],
  access: ['errors.ts', ...below, 'integrity', 'pipeline'],
  retention: ['errors.ts', ...below, 'integrity', 'pipeline'],
  'meta-audit': ['errors.ts', ...below, 'access', 'pipeline'],
  graphql: ['errors.ts', ...parts],
  server: ['errors.ts', ...parts, 'graphql'],
  library: [
    'errors.ts',
    ...parts,
    'closers.ts',
    'config.ts',
    'db',
    'graphql',
    'health.ts',
    'server',
    'start-errors.ts',
  ],
  cli: ['errors.ts', ...parts, 'config.ts', 'db', 'serve.ts', 'shutdown.ts'],
  'cli/import': ['events', 'merkle'],
};

interface Plant {
  file: string;
  code: string;
  isRefused: boolean;
}

const entries = readdirSync(join(ROOT, 'src'), { withFileTypes: true });
const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
const rootFiles = entries.filter((entry) => entry.isFile()).map(({ name }) => name);

/** Imports from every folder, and from a folder in it, of every other folder and of every file above. */
function everyImport(): Plant[] {
  return Object.keys(SEES).flatMap((from) =>
    [...folders, ...rootFiles]
      .filter((to) => to !== from.split('/')[0])
      .flatMap((to) => {
        const isRefused = !SEES[from]?.includes(to) && !(ANYWHERE.includes(to) && from !== 'merkle');
        const up = '../'.repeat(from.split('/').length);
        const path = `${up}${to.endsWith('.ts') ? to : `${to}/planted.ts`}`;
        return [
          { file: `src/${from}/planted/${to}-1.ts`, code: `import { x } from '../${path}';`, isRefused },
          { file: `src/${from}/${to}-0.ts`, code: `import { x } from '${path}';`, isRefused },
        ];
      }),
  );
}

const SPECIAL: Plant[] = [
  { file: 'src/graphql/types/own.ts', code: "import { x } from '../builder.ts';", isRefused: false },
  { file: 'src/log/own.ts', code: "import { x } from './head.ts';", isRefused: false },
  { file: 'src/log/type.ts', code: "import type { X } from '../server/server.ts';", isRefused: true },
  { file: 'src/log/again.ts', code: "export { x } from '../server/server.ts';", isRefused: true },
  { file: 'src/log/all.ts', code: "export * from '../server/server.ts';", isRefused: true },
  { file: 'src/log/effect.ts', code: "import '../server/server.ts';", isRefused: true },
  { file: 'src/log/later.ts', code: "await import('../server/server.ts');", isRefused: true },
  { file: 'src/cli/export.ts', code: "import { x } from '../log/read.ts';", isRefused: true },
  { file: 'src/cli/client.ts', code: "import { x } from '../config.ts';", isRefused: true },
  { file: 'src/cli/import/own.ts', code: "import { x } from '../client.ts';", isRefused: false },
  ...['graphql', 'server'].flatMap((from) => [
    { file: `src/${from}/pool.ts`, code: "import type { Pool } from '../db/pool.ts';", isRefused: false },
    { file: `src/${from}/run.ts`, code: "import { inTransaction } from '../db/pool.ts';", isRefused: true },
    { file: `src/${from}/all.ts`, code: "import * as all from '../db/pool.ts';", isRefused: true },
    { file: `src/${from}/again.ts`, code: "export * from '../db/pool.ts';", isRefused: true },
  ]),
];

/** The files that Biome, with the project's own rules, refuses for an import. */
function lint(plants: Plant[]): Set<string> {
  const project = mkdtempSync(join(tmpdir(), 'audit-log-imports-'));
  try {
    cpSync(join(ROOT, 'biome.json'), join(project, 'biome.json'));
    for (const { file, code } of plants) {
      mkdirSync(dirname(join(project, file)), { recursive: true });
      writeFileSync(join(project, file), `${code}\n`);
    }
    const biome = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', '.'];
    const { stdout } = spawnSync(process.execPath, [biome, ...args], { cwd: project, encoding: 'utf8' });
    return refusedIn(stdout);
  } finally {
    rmSync(project, { recursive: true });
  }
}

function refusedIn(report: string): Set<string> {
  const { diagnostics } = JSON.parse(report) as {
    diagnostics: { category: string; location: { path: string | { file: string } } }[];
  };
  const refused = diagnostics.filter(({ category }) => category === 'lint/style/noRestrictedImports');
  return new Set(
    refused.map(({ location: { path } }) =>
      (typeof path === 'string' ? path : path.file).replace(/^\.\//, ''),
    ),
  );
}

test('every folder of src has a rule', () => {
  const ruled = Object.keys(SEES).filter((folder) => !folder.includes('/'));
  expect(ruled.sort()).toEqual([...folders].sort());
});

test('imports point one way: whatever points another is refused, wherever it is planted', () => {
  const plants = [...everyImport(), ...SPECIAL];
  const expected = plants.filter(({ isRefused }) => isRefused).map(({ file }) => file);
  expect([...lint(plants)].sort()).toEqual(expected.sort());
});
