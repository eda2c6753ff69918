import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { createDatabase, dataDirOf } from '../support/database.ts';
import { blocksOf, commandsOf } from '../support/readme.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What a clone does not have, or has in another form. */
const NOT_CLONED = ['.git', '.env', '.data', 'dist', 'node_modules', 'package.json'];
const ADDRESS = 'http://127.0.0.1:4000';

let clone: string;
let environment: NodeJS.ProcessEnv;
let service: ChildProcess;
let url: string;
let key: string;

/** Runs a command in the clone, as a newcomer does. One without an end is interrupted when it has said something. */
async function run(command: string, until?: RegExp): Promise<{ code: number | null; output: string }> {
  const child = spawn('sh', ['-c', until ? `exec ${command}` : command], { cwd: clone, env: environment });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
      if (until?.test(output)) child.kill('SIGINT');
    });
  const [code] = await once(child, 'close');
  return { code, output };
}

let hasRunNpx = false;

/**
 * The same command, which npx runs the first time, and the shell later: npx alone takes more processor time than all else
 * that the commands do.
 */
function withoutNpx(command: string): string {
  if (!command.startsWith('npx ') || !hasRunNpx) {
    hasRunNpx ||= command.startsWith('npx ');
    return command;
  }
  return command.replace('npx ', 'node_modules/.bin/');
}

/** Starts a service by a command in the clone; resolves with what it said when it is ready. */
async function start(command: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn('sh', ['-c', `exec ${command}`], {
    cwd: clone,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    said += chunk;
    if (said.includes('Ready.')) return { child, said };
  }
  throw new Error(`${command} has ended: ${said}`);
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}

/**
 * Makes a clone of links, so that the commands write their files, `.env` and `.data` beside them, and none into the
 * checkout. Its `dist` is what was compiled for the run. Its `audit-log` is an installed one, because npx takes ten seconds
 * to prepare the command of the package in whose folder it runs.
 */
function makeClone(): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-log-readme-'));
  for (const name of readdirSync(ROOT).filter((name) => !NOT_CLONED.includes(name))) {
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  const { bin, ...rest } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(rest));
  symlinkSync(inject('built'), join(folder, 'dist'));
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  for (const [name, file] of Object.entries(bin)) {
    chmodSync(join(folder, file), 0o755);
    symlinkSync(join(folder, file), join(folder, 'node_modules/.bin', name));
  }
  return folder;
}

beforeAll(async () => {
  clone = makeClone();
  const { PATH, HOME } = process.env;
  environment = { PATH, HOME, PORT: '0' };
  const started = await start('npm start');
  service = started.child;
  url = /GraphQL API and GraphiQL: (\S+)\/graphql/.exec(started.said)?.[1] as string;
  key = /Admin API key, shown this once: (\S+)/.exec(started.said)?.[1] as string;
  environment = { ...environment, AUDIT_LOG_URL: url, AUDIT_LOG_KEY: key };
}, 240_000);
afterAll(async () => {
  await stop(service);
  rmSync(clone, { recursive: true, force: true });
});

interface Rule {
  /** The commands that it is about. */
  of: RegExp;
  /** The command with what a reader puts in the place of its capitals; several where they stand for alternatives. */
  commands?: (command: string) => string[] | Promise<string[]>;
  code?: number | RegExp;
  says: RegExp;
  /** It has no end, and is interrupted when it has said that. */
  isEndless?: boolean;
}

const NOTHING = /^$/;
const SAMPLES = {
  cloudtrail: 'cloudtrail.jsonl',
  okta: 'okta.jsonl',
  github: 'github.jsonl',
  sshd: 'auth.log',
  ndjson: 'events.ndjson',
};
/** What .ci/run does as it stands, or a later command depends on. */
const NOT_RUN = /^(npm ci && npm (start|test)|export AUDIT_LOG_KEY=\.\.\.)$/;
const SERVICE = /^DATABASE_URL=(\S+) npm start$/;

const RULES: Rule[] = [
  {
    of: /^curl -N /,
    // By a signal.
    code: /^null$/,
    says: /event: next\ndata: .*"eventType":"AUTH_LOGIN_FAILED"/,
    isEndless: true,
  },
  { of: /^curl -G /, says: /"totalCount":1,"edges":\[\{"node":\{"action":"login"/ },
  { of: /^curl .*(verifier-key|checkpoint).* > log\.\w+$/, says: NOTHING },
  {
    of: /^curl /,
    says: /"status":"RECORDED","event":\{"id":"audit_[0-9a-f]{32}","position":\d+,"leafHash":"[0-9a-f]{64}"/,
  },
  {
    of: /^npx audit-log import --format FORMAT/,
    commands: (command) =>
      Object.entries(SAMPLES).map(([format, file]) =>
        command.replace('FORMAT', format).replace('FILE...', `test/cli/samples/${file}`),
      ),
    // 1: some lines of the samples are no events, and are shown.
    code: /^[01]$/,
    says: /recorded/i,
  },
  { of: /^npx audit-log import /, code: 1, says: /recorded/i },
  { of: /^npx audit-log export /, says: /written in/ },
  { of: /^npx audit-log keys (create|list)\b/, says: /billing/ },
  {
    of: /^npx audit-log keys revoke ID$/,
    commands: async (command) => [command.replace('ID', await idOfKey('billing'))],
    says: /revoked/i,
  },
  {
    of: /^npx audit-log prove ID > /,
    commands: async (command) => [command.replace('ID', await idOfEvent())],
    says: NOTHING,
  },
  { of: /^npx audit-log verify\b/, says: /verified/i },
  { of: /^cp \.env\.example \.env$/, says: NOTHING },
];

async function idOfEvent(): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ auditEvents(first: 1) { edges { node { id } } } }' }),
  });
  const { data } = (await response.json()) as {
    data: { auditEvents: { edges: { node: { id: string } }[] } };
  };
  return data.auditEvents.edges[0]?.node.id as string;
}

async function idOfKey(name: string): Promise<string> {
  const { output } = await run(withoutNpx('npx audit-log keys list --json'));
  const keys = JSON.parse(output) as { id: string; name: string }[];
  return keys.find((one) => one.name === name)?.id as string;
}

test('every command of the README does what it says', async () => {
  for (const command of commandsOf().filter((command) => !NOT_RUN.test(command) && !SERVICE.test(command))) {
    const rule = RULES.find(({ of }) => of.test(command));
    if (!rule) throw new Error(`no rule for: ${command}`);
    for (const real of (await rule.commands?.(command)) ?? [command]) {
      const { code, output } = await run(
        withoutNpx(real).replace(ADDRESS, url),
        rule.isEndless ? rule.says : undefined,
      );
      const expected = rule.code ?? 0;
      expect(String(code), `${real}\n${output}`).toMatch(
        expected instanceof RegExp ? expected : `${expected}`,
      );
      expect(output, real).toMatch(rule.says);
    }
  }
}, 300_000);

test('every GraphQL document of the README does what it says', async () => {
  const live = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${key}` },
  });
  for (const query of blocksOf('graphql')) {
    for await (const answer of live.iterate({ query })) {
      expect(answer.errors, query).toBeUndefined();
      break;
    }
  }
  await live.dispose();
});

test('the service of the README starts on a database of its own', async () => {
  const [command, address] = commandsOf().flatMap((command) => SERVICE.exec(command) ?? []);
  const database = await createDatabase();
  const { child, said } = await start(
    `env DATA_DIR=${dataDirOf(database.url)} ${command?.replace(address as string, database.url)}`,
  );
  expect(said).toMatch(/^Admin API key, shown this once: \S+$/m);
  await stop(child);
  await database.drop();
});
