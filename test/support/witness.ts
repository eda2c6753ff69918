/**
 * A witness (https://c2sp.org/tlog-witness) as a program of its own, written from the C2SP texts alone: it shares no
 * code with the project. Run it with `node --import tsx`; its one argument is a JSON object:
 *
 *   name     of its key
 *   pem      its Ed25519 private key
 *   logs     { origin: [verifier keys] } that it watches
 *   state    a file in which it keeps, for each origin, size, root and note of the last checkpoint that it cosigned
 *   port     0: any free one
 *
 * It prints `{"url", "vkey"}` when it listens, and a line for each request with its old size, size and answer.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Settings {
  name: string;
  pem: string;
  logs: Record<string, string[]>;
  state: string;
  port: number;
}

type State = Record<string, { size: number; root: string; note: string }>;

/** An answer that is not a cosignature. */
class Refusal extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, body: string, type = 'text/plain') {
    super(body);
    this.status = status;
    this.type = type;
  }
}

const settings = JSON.parse(process.argv[2] as string) as Settings;
const privateKey = createPrivateKey(settings.pem);
const publicKey = rawKey(createPublicKey(privateKey).export({ format: 'jwk' }).x as string);
const keyId = idOf(settings.name, 4, publicKey);
const state: State = existsSync(settings.state) ? JSON.parse(readFileSync(settings.state, 'utf8')) : {};

function sha256(...parts: (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function rawKey(x: string): Buffer {
  return Buffer.from(x, 'base64url');
}

function idOf(name: string, type: number, key: Uint8Array): Buffer {
  return sha256(`${name}\n`, Uint8Array.of(type), key).subarray(0, 4);
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return sha256(Uint8Array.of(1), left, right);
}

/** Base64 as RFC 4648 writes it, and nothing that merely decodes. */
function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new Refusal(400, 'not base64\n');
  return bytes;
}

function fromDecimal(text: string): number {
  if (!/^(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new Refusal(400, 'not a number\n');
  return Number(text);
}

/**
 * SUBPROOF(m, D[n], whole) of RFC 6962, 2.1.2, read backwards: takes its hashes off the end of `proof` and gives the
 * roots of D[m] and D[n] that they lead to. `old` is the root of the old tree, which a proof of the whole leaves out.
 */
function subproof(m: number, n: number, proof: Buffer[], old: Buffer | undefined): [Buffer, Buffer] {
  if (m === n) {
    const hash = old ?? takeLast(proof);
    return [hash, hash];
  }
  let k = 1;
  while (k * 2 < n) k *= 2;
  const sibling = takeLast(proof);
  if (m <= k) {
    const [before, after] = subproof(m, k, proof, old);
    return [before, nodeHash(after, sibling)];
  }
  const [before, after] = subproof(m - k, n - k, proof, undefined);
  return [nodeHash(sibling, before), nodeHash(sibling, after)];
}

function takeLast(proof: Buffer[]): Buffer {
  const hash = proof.pop();
  if (hash?.length !== 32) throw new Refusal(422, 'the consistency proof is too short\n');
  return hash;
}

function checkGrowth(old: { size: number; root: string }, size: number, root: Buffer, proof: Buffer[]): void {
  if (size === 0 && !root.equals(sha256())) throw new Refusal(422, 'not the root of the empty tree\n');
  const rest = [...proof];
  if (old.size > 0) {
    const oldRoot = Buffer.from(old.root, 'base64');
    const [before, after] = subproof(old.size, size, rest, oldRoot);
    if (!before.equals(oldRoot) || !after.equals(root)) throw new Refusal(422, 'not consistent\n');
  }
  if (rest.length > 0) throw new Refusal(422, 'the consistency proof is too long\n');
}

interface Submission {
  oldSize: number;
  proof: Buffer[];
  /** The signed text and its lines. */
  text: string;
  origin: string;
  size: number;
  root: string;
  signatures: { line: string; name: string; bytes: Buffer }[];
}

function parse(body: Buffer): Submission {
  const whole = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  const start = whole.indexOf('\n\n');
  const end = whole.lastIndexOf('\n\n');
  if (start < 0 || end === start || !whole.endsWith('\n')) throw new Refusal(400, 'not a request\n');
  const [first = '', ...proof] = whole.slice(0, start).split('\n');
  if (!first.startsWith('old ') || proof.length > 63) throw new Refusal(400, 'not a request\n');
  const text = whole.slice(start + 2, end + 1);
  const [origin = '', size = '', root = ''] = text.split('\n');
  const lines = whole.slice(end + 2, -1).split('\n');
  return {
    oldSize: fromDecimal(first.slice('old '.length)),
    proof: proof.map(fromBase64),
    text,
    origin,
    size: fromDecimal(size),
    root,
    signatures: lines.map((line) => {
      const [dash, name = '', encoded = '', ...rest] = line.split(' ');
      if (dash !== '\u2014' || rest.length > 0) throw new Refusal(400, 'not a signature line\n');
      return { line, name, bytes: fromBase64(encoded) };
    }),
  };
}

/** The signature lines by keys that this witness trusts for the origin, all of them verified. */
function checkLog({ origin, text, signatures }: Submission): string[] {
  const keys = settings.logs[origin];
  if (!keys) throw new Refusal(404, 'unknown log\n');
  const trusted = keys.flatMap((vkey) => {
    // The base64 of the key has pluses of its own.
    const [, name = '', encoded = ''] = /^([^+]+)\+[0-9a-f]{8}\+(.+)$/.exec(vkey) ?? [];
    const [type = 0, ...key] = Buffer.from(encoded, 'base64');
    return signatures.filter((own) => {
      const id = idOf(name, type, Uint8Array.from(key));
      if (own.name !== name || !own.bytes.subarray(0, 4).equals(id)) return false;
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key).toString('base64url') };
      const verifier = createPublicKey({ key: jwk, format: 'jwk' });
      if (!verify(null, Buffer.from(text), verifier, own.bytes.subarray(4)))
        throw new Refusal(403, 'a signature by a trusted key is wrong\n');
      return true;
    });
  });
  if (trusted.length === 0) throw new Refusal(403, 'no signature by a trusted key\n');
  return trusted.map(({ line }) => line);
}

function cosign(text: string): string {
  const time = Math.floor(Date.now() / 1_000);
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(time));
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), privateKey);
  return `\u2014 ${settings.name} ${Buffer.concat([keyId, stamp, signature]).toString('base64')}\n`;
}

/** On the disk before the answer is out. */
function persist(): void {
  const aside = `${settings.state}.new`;
  const file = openSync(aside, 'w');
  writeSync(file, JSON.stringify(state));
  fsyncSync(file);
  closeSync(file);
  renameSync(aside, settings.state);
}

// Without a pause inside, so nothing comes between the check of the old size and the new one.
function addCheckpoint(submission: Submission): string {
  const { oldSize, proof, text, origin, size, root } = submission;
  const logLines = checkLog(submission);
  if (oldSize > size) throw new Refusal(400, 'the old size is larger than the new one\n');
  const last = state[origin] ?? { size: 0, root: '', note: '' };
  if (last.size !== oldSize) throw new Refusal(409, `${last.size}\n`, 'text/x.tlog.size');
  checkGrowth(last, size, fromBase64(root), proof);
  const cosignature = cosign(text);
  state[origin] = { size, root, note: `${text}\n${logLines.join('\n')}\n${cosignature}` };
  persist();
  return cosignature;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function answer(request: IncomingMessage): Promise<string> {
  const watched = Object.keys(state).find(
    (origin) => request.url === `/${sha256(origin).toString('hex')}/checkpoint`,
  );
  if (request.method === 'GET' && watched !== undefined) return (state[watched] as State[string]).note;
  if (request.method !== 'POST' || request.url !== '/add-checkpoint')
    throw new Refusal(404, 'nothing here\n');
  const submission = parse(await bodyOf(request));
  const log = { old: submission.oldSize, size: submission.size };
  try {
    const cosignature = addCheckpoint(submission);
    process.stdout.write(`${JSON.stringify({ ...log, status: 200 })}\n`);
    return cosignature;
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ ...log, status: (error as Refusal).status ?? 500 })}\n`);
    throw error;
  }
}

const server = createServer((request, response) => {
  answer(request).then(
    (body) => response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(body),
    (error: Error) => {
      const refusal = error instanceof Refusal ? error : new Refusal(400, 'not a request\n');
      response.writeHead(refusal.status, { 'content-type': refusal.type }).end(refusal.message);
    },
  );
});
server.listen(settings.port, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  const material = Buffer.concat([Uint8Array.of(4), publicKey]).toString('base64');
  const vkey = `${settings.name}+${keyId.toString('hex')}+${material}`;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}`, vkey })}\n`);
});
