// Builds dist/ after `npm ci` and before `npm pack`. An install without the packages that a build takes
// (`npm ci --omit=dev`) builds in a temporary folder with packages of its own, from the same lock file, and keeps only dist/.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** What a build reads. */
const INPUTS = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'prisma',
  'prisma.config.ts',
  'scripts',
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
];

const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const hasBuildPackages = Object.keys(devDependencies).every((name) =>
  existsSync(join(ROOT, 'node_modules', name)),
);
if (hasBuildPackages) buildIn(ROOT);
else buildApart();

function buildIn(folder) {
  npm(['run', 'generate'], folder);
  npm(['run', 'build'], folder);
}

function buildApart() {
  console.log(
    'Building in a temporary folder, since the development packages are left out: this takes a minute.',
  );
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'audit-log-build-'));
  try {
    for (const input of INPUTS) cpSync(join(ROOT, input), join(folder, input), { recursive: true });
    npm(['ci', '--include=dev', '--ignore-scripts', '--loglevel=error'], folder);
    buildIn(folder);
    rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
    cpSync(join(folder, 'dist'), join(ROOT, 'dist'), { recursive: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs npm, by the program that runs this script, and ends with its code when it fails. */
function npm(args, cwd) {
  const { npm_execpath: program } = process.env;
  const { status } = program
    ? spawnSync(process.execPath, [program, ...args], { cwd, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed (${status ?? 'it could not be started'})`);
}
