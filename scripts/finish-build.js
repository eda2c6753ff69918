// The last step of `npm run build`, after `tsc`: `node scripts/finish-build.js [FOLDER]`. Copies the part of Prisma's runtime
// that the service uses into dist/ or another folder of compiled modules, so that an installed service needs neither
// @prisma/client (72 MB, with query compilers for five databases in two builds and two module formats each; ours is 3 MB of
// it) nor, as its peers, Prisma's command line and a TypeScript compiler.
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const CLIENT = dirname(createRequire(import.meta.url).resolve('@prisma/client/package.json'));
const DIST = process.argv[2] ?? join(ROOT, 'dist');
const GENERATED = join(DIST, 'db/generated');
const RUNTIME = join(GENERATED, 'runtime');
/** `"@prisma/client/runtime/client"`, as the generated files import it, or the import of an earlier run. */
const RUNTIME_IMPORT = /(["'])(?:@prisma\/client|\.\.?)\/runtime\/([\w.-]+?)(?:\.mjs)?\1/g;
/**
 * Where the runtime keeps the last hundred lines of its debug log, for its reports of panics and also while the log is off.
 * Among them are the values of each statement, and with them what a client has sent.
 */
const HISTORY =
  /\w+\.length!==0&&(\w+)\.push\(\[\w+,\.\.\.\w+\]\),\1\.length>\w+&&\1\.shift\(\),(?=\w+\.enabled\()/g;

mkdirSync(RUNTIME, { recursive: true });
copyFileSync(join(CLIENT, 'LICENSE'), join(RUNTIME, 'LICENSE'));
const copied = new Set();
for (const file of readdirSync(GENERATED, { recursive: true })) {
  if (/\.(js|d\.ts)$/.test(file)) localiseImports(join(GENERATED, file));
}
if (!copied.has('client')) throw new Error(`nothing in ${GENERATED} imports Prisma's runtime`);
chmodSync(join(DIST, 'cli/main.js'), 0o755);

/** Lets a generated file import its own copy of the runtime. */
function localiseImports(path) {
  const text = readFileSync(path, 'utf8');
  const localised = text.replace(RUNTIME_IMPORT, (_, quote, name) => {
    copyRuntime(name);
    const target = relative(dirname(path), join(RUNTIME, `${name}.mjs`)).replaceAll('\\', '/');
    return `${quote}${target.startsWith('.') ? target : `./${target}`}${quote}`;
  });
  if (localised !== text) writeFileSync(path, localised);
}

function copyRuntime(name) {
  if (copied.has(name)) return;
  copied.add(name);
  const source = join(CLIENT, 'runtime', name);
  // Without the reference to its source map, which is another megabyte and stays behind.
  const code = readFileSync(`${source}.mjs`, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  writeFileSync(join(RUNTIME, `${name}.mjs`), name === 'client' ? withoutHistory(code) : code);
  if (name === 'client') copyFileSync(`${source}.d.mts`, join(RUNTIME, `${name}.d.mts`));
}

/** The runtime, which then keeps nothing of a statement. With DEBUG set, it still prints. */
function withoutHistory(code) {
  if (code.match(HISTORY)?.length !== 1)
    throw new Error(
      'the debug log of this release of Prisma is not where scripts/finish-build.js looks for it',
    );
  return code.replace(HISTORY, 'globalThis.DEBUG!==""&&');
}
