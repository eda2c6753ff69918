import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
/** What `npm run build` reads. */
const INPUTS = ['src', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
/** Every build writes it anew. */
const OUTPUT = join(ROOT, 'dist/cli/main.js');

/** Builds `dist/`, unless it is newer than everything that it is made of, as it is after `npm ci`. */
export function ensureBuilt(): void {
  if (existsSync(OUTPUT)) {
    const builtMs = statSync(OUTPUT).mtimeMs;
    if (INPUTS.every((input) => lastChangeMs(join(ROOT, input)) < builtMs)) return;
  }
  execFileSync('npm', ['run', '-s', 'build'], { cwd: ROOT, stdio: 'inherit' });
}

/** When a file, or a folder or anything in it, was last changed. A removed file changes its folder. */
function lastChangeMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).reduce(
    (latest, name) => Math.max(latest, statSync(join(path, name)).mtimeMs),
    stat.mtimeMs,
  );
}
