import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'audit-log-new-field-'));
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  });
  for (const file of stdout.split('\n').filter((line) => line !== '' && line !== 'node_modules')) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    // A file that is deleted and not yet committed is still listed.
    await cp(join(ROOT, file), join(copy, file)).catch(() => undefined);
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  await inCopy('git', 'init', '--quiet');
  await inCopy('git', 'add', '--all');
  await inCopy(
    'git',
    '-c',
    'user.name=a',
    '-c',
    'user.email=a@example.com',
    'commit',
    '--quiet',
    '--message=before',
  );
});
afterAll(() => rm(copy, { recursive: true, force: true }));

/** Runs a command in the copy to its end and resolves with what it prints. What fails is thrown with all that it said. */
async function inCopy(command: string, ...words: string[]): Promise<string> {
  // What this run of the tests sets is not for another.
  const { VITEST: _, ...env } = process.env;
  try {
    return (await run(command, words, { cwd: copy, env, maxBuffer: 64_000_000 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${words.join(' ')}\n${stdout}\n${stderr}`);
  }
}

/** Writes a line behind the one that matches. */
async function addLine(file: string, behind: RegExp, line: string): Promise<void> {
  const text = await readFile(join(copy, file), 'utf8');
  expect(text).toMatch(behind);
  await writeFile(
    join(copy, file),
    text.replace(behind, (found) => `${found}\n${line}`),
  );
}

test('a field of events is one line of the table, a migration, a column of the model, and regenerated files', async () => {
  const migrations = (await readdir(join(copy, 'prisma/migrations')))
    .filter((name) => /^\d{4}_/.test(name))
    .sort();
  const next = String(Number(migrations.at(-1)?.slice(0, 4)) + 1).padStart(4, '0');
  const migration = `prisma/migrations/${next}_actor_name/migration.sql`;
  await addLine(
    'src/events/fields.ts',
    /^ {2}userId: text\(.*$/m,
    "  actorName: text(256, 'The name of who acted.', 'context', 'equality', 'search'),",
  );
  await mkdir(join(copy, dirname(migration)));
  await writeFile(
    join(copy, migration),
    '-- The name of who acted. Locks the log for a moment and looks at no row.\nALTER TABLE audit_events ADD COLUMN actor_name text;\n',
  );
  await addLine(
    'prisma/schema.prisma',
    /^ {2}userId .*@map\("user_id"\)$/m,
    '  actorName String? @map("actor_name")',
  );
  await inCopy('npm', 'run', '--silent', 'regenerate');
  await inCopy('git', 'add', '--all');
  const changed = await inCopy('git', 'diff', '--cached', '--name-only', 'HEAD');
  expect(changed.trim().split('\n').sort()).toEqual(
    [
      'src/events/fields.ts',
      migration,
      'prisma/schema.prisma',
      // Written by `npm run regenerate`.
      'docs/log-format.md',
      'docs/search.md',
      'prisma/structure.sql',
      'schema.graphql',
      'test/support/operations/generated/graphql.ts',
    ].sort(),
  );
  expect(await inCopy('git', 'diff', '--cached', '--numstat', 'HEAD', '--', 'src')).toBe(
    '1\t0\tsrc/events/fields.ts\n',
  );
  await inCopy('npx', 'tsc', '--noEmit');
  await cp(
    join(copy, 'test/faults/new-field-round-trip.ts'),
    join(copy, 'test/faults/new-field-round-trip.test.ts'),
  );
  await inCopy(
    'npx',
    'vitest',
    'run',
    '--testTimeout=600000',
    '--no-file-parallelism',
    'test/faults/new-field-round-trip.test.ts',
    'test/log/read/canonical-row.test.ts',
    'test/log/append/copy-rows.test.ts',
  );
});
