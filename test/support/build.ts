import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder of the compiled modules, laid out as `dist/` is. */
    built: string;
  }
}

const ROOT = join(import.meta.dirname, '../..');

/**
 * Compiles the service once for the run, since tests start it in processes of their own, and compiled modules load in half
 * of the processor time. What an earlier run compiled is compiled again only where a module has changed.
 */
export async function build(project: TestProject): Promise<void> {
  // Where the modules find their packages; checkouts may have one folder of packages together.
  const checkout = createHash('sha256').update(ROOT).digest('hex').slice(0, 12);
  const folder = join(ROOT, 'node_modules/.cache', `audit-log-tests-${checkout}`);
  const built = join(folder, 'dist');
  mkdirSync(folder, { recursive: true });
  await run('node_modules/typescript/bin/tsc', [
    ...['-p', 'tsconfig.build.json', '--declaration', 'false', '--sourceMap', 'false', '--outDir', built],
    ...['--incremental', '--tsBuildInfoFile', join(folder, 'build.json')],
  ]);
  await run('scripts/finish-build.js', [built]);
  for (const name of ['package.json', 'prisma'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  project.provide('built', built);
}

async function run(program: string, parameters: readonly string[]): Promise<void> {
  const running = promisify(execFile)(process.execPath, [join(ROOT, program), ...parameters], { cwd: ROOT });
  await running.catch(({ stdout, stderr }: { stdout: string; stderr: string }) => {
    throw new Error(`the service does not compile:\n${stdout}${stderr}`);
  });
}
