import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { readConfig, SETTING_NAMES } from '../src/config.ts';
import { loadEnvFile } from '../src/env-file.ts';

const ROOT = join(import.meta.dirname, '..');

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-env-'));
  file = join(folder, '.env');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the environment is after a file with this text was loaded into it. */
function load(text: string, before: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  writeFileSync(file, text);
  const environment: NodeJS.ProcessEnv = { ...before, ENV_FILE: file };
  loadEnvFile(environment);
  const { ENV_FILE: _file, ...rest } = environment;
  return rest;
}

describe('a file of settings', () => {
  test('has the syntax of --env-file', () => {
    const text = [
      '# a comment',
      '',
      'PORT=4001',
      'export HOST = 0.0.0.0  # all',
      'ORIGIN="log.example # 1"',
      "EVENT_TYPES='a.b,",
      "c.d' # two",
      'DATABASE_URL=postgresql://audit:p%23x@db/audit?sslmode=require',
      'DATA_DIR=',
    ];
    const expected = {
      PORT: '4001',
      HOST: '0.0.0.0',
      ORIGIN: 'log.example # 1',
      EVENT_TYPES: 'a.b,\nc.d',
      DATABASE_URL: 'postgresql://audit:p%23x@db/audit?sslmode=require',
      DATA_DIR: '',
    };
    expect(load(text.join('\n'))).toEqual(expected);
    expect(load(`\uFEFF${text.join('\r\n')}\r\n`)).toEqual({ ...expected, EVENT_TYPES: 'a.b,\nc.d' });
  });

  test('overrides nothing that the environment has, an empty variable neither', () => {
    expect(load('PORT=1\nHOST=2\nORIGIN=3\n', { PORT: '9', HOST: '' })).toEqual({
      PORT: '9',
      HOST: '',
      ORIGIN: '3',
    });
  });

  test('names every line that is not understood, and then sets nothing', () => {
    const environment: NodeJS.ProcessEnv = { ENV_FILE: file };
    writeFileSync(
      file,
      'PORT\nHOST: x\nORIGIN=a#b\nREDACT_HASH_KEY=#b\nDATA_DIR="a" b\n2=3\nLOG_LEVEL=warn # a#b\nA="x\nB=2\n',
    );
    expect(() => loadEnvFile(environment)).toThrow(
      [
        `${file} has problems (an empty ENV_FILE starts without the file):`,
        'line 1: is not NAME=VALUE',
        'line 2: is not NAME=VALUE',
        'line 3: put the value of ORIGIN in quotes, because it contains #',
        'line 4: put the value of REDACT_HASH_KEY in quotes, because it contains #',
        'line 5: there is text after the quoted value of DATA_DIR',
        'line 6: is not NAME=VALUE',
        'line 8: the " before the value of A is not closed',
      ].join('\n  '),
    );
    expect(environment).toEqual({ ENV_FILE: file });
  });

  test('gives every value as it was written', () => {
    const word = fc.stringMatching(/^[!-"$-~]{0,20}$/).filter((text) => !/^["'`]/.test(text));
    const quoted = fc.stringMatching(/^[ !#-&(-[\]-~\n]{0,20}$/);
    const pair = fc.record({
      name: fc.stringMatching(/^[A-Z][A-Z0-9_]{0,9}$/),
      value: fc.oneof(
        word.map((text) => [text, text] as const),
        quoted.map((text) => [`"${text}"`, text] as const),
        quoted.map((text) => [`'${text}'`, text] as const),
      ),
    });
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: ({ name }) => name, maxLength: 6 }), (pairs) => {
        const text = pairs.map(({ name, value: [written] }) => `${name}=${written}\n`).join('# and\n');
        expect(load(text)).toEqual(
          Object.fromEntries(pairs.map(({ name, value: [, meant] }) => [name, meant])),
        );
      }),
    );
  });

  test('is read when ENV_FILE names it, which an empty one does not, and must be a file of a bounded size', () => {
    expect(loadEnvFile({ ENV_FILE: '' })).toBeUndefined();
    expect(() => loadEnvFile({ ENV_FILE: file })).toThrow(`cannot read ${file} (ENV_FILE): ENOENT`);
    expect(() => loadEnvFile({ ENV_FILE: folder })).toThrow('it is not a file');
    expect(() => load(`A=${'x'.repeat(1024 * 1024)}`)).toThrow('it is larger than 1048576 bytes');
  });
});

test('.env.example is such a file, with every setting and its default', () => {
  const environment: NodeJS.ProcessEnv = { ENV_FILE: join(ROOT, '.env.example') };
  loadEnvFile(environment);
  const { ENV_FILE: _file, ...settings } = environment;
  expect(Object.keys(settings).sort()).toEqual([...SETTING_NAMES].sort());
  expect(readConfig(settings)).toEqual(readConfig({}));
});

describe('.env in the working directory', () => {
  /** Runs a program of the service in the folder, without any other settings. */
  async function run(words: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const [program, ...rest] = words;
    const child = spawn(process.execPath, [join(inject('built'), program as string), ...rest], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...environment },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    const [code] = await once(child, 'close');
    return { code, said };
  }

  test.each([
    { words: ['main.js'], failure: 1 },
    { words: ['cli/main.js', 'serve'], failure: 1 },
    { words: ['cli/main.js', 'verify'], failure: 1 },
    { words: ['cli/main.js', 'keys', 'list'], failure: 2 },
  ])('is read by $words, and a bad line ends it with $failure', async ({ words, failure }) => {
    writeFileSync(file, 'DATABASE_URL=mysql://x\n');
    expect((await run(words)).said).toContain('DATABASE_URL: must be an address such as postgresql:');
    writeFileSync(file, 'DATABASE_URL\n');
    expect(await run(words)).toEqual({
      code: failure,
      said: expect.stringMatching(/^audit.log.*: \.env has problems .*\n {2}line 1: is not NAME=VALUE\n$/),
    });
  });

  test('may be missing, or be a folder', async () => {
    for (const prepare of [() => undefined, () => mkdirSync(file)]) {
      prepare();
      expect(await run(['main.js'], { PORT: 'x' })).toEqual({
        code: 1,
        said: expect.stringContaining('PORT: '),
      });
    }
  });
});
