import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { blocksOf, commandsOf } from '../support/readme.ts';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLES = join(ROOT, 'test/cli/samples');
const SAMPLE_OF: Record<string, string> = {
  cloudtrail: 'cloudtrail.jsonl',
  okta: 'okta.jsonl',
  github: 'github.jsonl',
  sshd: 'auth.log',
  ndjson: 'events.ndjson',
};

let folder: string;
let service: ChildProcess;
let environment: NodeJS.ProcessEnv;
let url: string;
let key: string;

/** Runs a command in the project's folder, as a newcomer does. */
async function run(command: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('sh', ['-c', command], { cwd: ROOT, env: environment });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(child, 'close');
  return { code, output };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-readme-'));
  const { PATH, HOME } = process.env;
  environment = { PATH, HOME, DATA_DIR: join(folder, 'data'), PORT: '0' };
  expect((await run('npm run build')).code).toBe(0);
  service = spawn('npm', ['start'], { cwd: ROOT, env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of service.stdout as AsyncIterable<Buffer>) {
    said += chunk;
    if (said.includes('Ready.')) break;
  }
  url = /GraphQL API and GraphiQL: (\S+)\/graphql/.exec(said)?.[1] as string;
  key = /Admin API key, shown this once: (\S+)/.exec(said)?.[1] as string;
  environment = { ...environment, AUDIT_LOG_URL: url, AUDIT_LOG_KEY: key };
}, 240_000);
afterAll(async () => {
  service.kill('SIGTERM');
  expect(await once(service, 'exit')).toEqual([0, null]);
  rmSync(folder, { recursive: true, force: true });
});

interface Rule {
  /** The commands that it is about. */
  of: RegExp;
  /** The command with what a reader puts in the place of its capitals; several where it names alternatives. */
  commands: (command: string) => string[] | Promise<string[]>;
  code: number | RegExp;
  says: RegExp;
}

const asItIs = (command: string) => [command];
const RULES: Rule[] = [
  // .ci/run does both, as they stand.
  { of: /^npm ci && npm (start|test)$/, commands: () => [], code: 0, says: /^/ },
  { of: /^export AUDIT_LOG_KEY=\.\.\.$/, commands: () => [], code: 0, says: /^/ },
  {
    of: /^curl -N -G /,
    commands: (command) => [command.replace('http://127.0.0.1:4000', url).replace('-N', '-N --max-time 5')],
    // What curl ends with after that time: a subscription has no end.
    code: 28,
    says: /event: next\ndata: .*"eventType":"AUTH_LOGIN_FAILED"/,
  },
  {
    of: /^curl -G /,
    commands: (command) => [command.replace('http://127.0.0.1:4000', url)],
    code: 0,
    says: /"totalCount":1,"edges":\[\{"node":\{"action":"login"/,
  },
  {
    of: /^curl /,
    commands: (command) => [command.replace('http://127.0.0.1:4000', url)],
    code: 0,
    says: /"status":"RECORDED","event":\{"id":"audit_[0-9a-f]{32}","position":\d+,"leafHash":"[0-9a-f]{64}"/,
  },
  {
    of: /^npx audit-log import /,
    commands: (command) =>
      Object.entries(SAMPLE_OF).map(([format, file]) =>
        command.replace(Object.keys(SAMPLE_OF).join('|'), format).replace('FILE...', join(SAMPLES, file)),
      ),
    // 1: it has shown lines of the sample that are no events.
    code: /^[01]$/,
    says: /recorded/i,
  },
  {
    of: /^npx audit-log export .*events\.ndjson$/,
    commands: (command) => [command.replace('events.ndjson', join(folder, 'events.ndjson'))],
    code: 0,
    says: /\d/,
  },
  { of: /^npx audit-log keys (create|list)\b/, commands: asItIs, code: 0, says: /billing/ },
  {
    of: /^npx audit-log keys revoke ID$/,
    commands: async (command) => [command.replace('ID', await idOfKey('billing'))],
    code: 0,
    says: /revoked/i,
  },
  {
    of: /^npx audit-log prove\b/,
    commands: async (command) => [
      await withEvidence(command.replace('ID', await idOfEvent()).replaceAll('proof', join(folder, 'proof'))),
    ],
    code: 0,
    says: /verified/i,
  },
  {
    of: /^npx audit-log verify\b/,
    commands: async (command) => [await withEvidence(command)],
    code: 0,
    says: /verified/i,
  },
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
  const { output } = await run('npx audit-log keys list --json');
  const keys = JSON.parse(output) as { id: string; name: string }[];
  return keys.find((one) => one.name === name)?.id as string;
}

/** What was kept outside, in the place of the capitals of a command. */
async function withEvidence(command: string): Promise<string> {
  const file = join(folder, 'checkpoint');
  const get = (path: string) => `curl -sf -H "authorization: Bearer $AUDIT_LOG_KEY" "$AUDIT_LOG_URL${path}"`;
  await run(`test -f ${file} && mv ${file} ${file}-before; ${get('/checkpoint')} > ${file}`);
  const { output: vkey } = await run(get('/verifier-key'));
  const lines = join(folder, 'whole.ndjson');
  if (command.includes('events.ndjson')) await run(`npx audit-log export --output ${lines}`);
  return command
    .replace('http://127.0.0.1:4000', url)
    .replace('events.ndjson', lines)
    .replace('OLD NEW', `${file}-before ${file}`)
    .replace(/FILE(\.\.\.)?/, file)
    .replace('VKEY', `'${vkey.trim()}'`);
}

test('every command of the README does what it says', async () => {
  copyFileSync(join(SAMPLES, 'events.ndjson'), join(folder, 'events.ndjson'));
  for (const command of commandsOf()) {
    const rule = RULES.find(({ of }) => of.test(command));
    expect(rule, `no rule for: ${command}`).toBeDefined();
    for (const real of (await rule?.commands(command)) ?? []) {
      const { code, output } = await run(real);
      expect(String(code), `${real}\n${output}`).toMatch(
        rule?.code instanceof RegExp ? rule.code : String(rule?.code),
      );
      expect(output, real).toMatch(rule?.says as RegExp);
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
}, 60_000);
