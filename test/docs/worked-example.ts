/**
 * The worked example of docs/log-format.md, computed from what the document says and node:crypto alone: it shares no
 * code with the project, so that the document, this, and the project check each other.
 */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';

/** 32 bytes, the private key of RFC 8032. Printed in the document, so never to be used for anything else. */
export const SEED = Buffer.alloc(32, 0x2a);
export const ORIGIN = 'example.org/audit';
/** When the log's own key put a time on the checkpoint, in seconds since 1970. */
export const COSIGNED_AT = 1_730_808_002;

/** The records, with their members in another order than the canonical one. */
export const RECORDS = [
  {
    v: 1,
    id: 'audit_0192fc322e1a7b3e8c4d5e6f708192a3',
    salt: '000102030405060708090a0b0c0d0e0f',
    timestamp: '2024-11-05T11:59:59.250Z',
    recorded_at: '2024-11-05T12:00:00.026Z',
    event_type: 'auth.login_failed',
    outcome: 'failure',
    severity: 'warning',
    user_id: 'alice',
    customer_id: 'acme',
    ip_address: '2001:db8::7',
    action: 'login',
    description: 'Wrong password at the café ☕',
    details: { risk: 0.75, attempts: 3, client: { name: 'curl', é: null } },
  },
  {
    v: 1,
    id: 'audit_0192fc32313e7c10a1b2c3d4e5f60718',
    salt: '101112131415161718191a1b1c1d1e1f',
    timestamp: '2024-11-05T12:00:00.830Z',
    recorded_at: '2024-11-05T12:00:00.830Z',
    event_type: 'system.startup',
    outcome: 'success',
    severity: 'info',
    action: 'system.startup',
    description: '',
    details: {},
  },
  {
    v: 1,
    id: 'audit_0192fc3234c87d21b2c3d4e5f6071829',
    salt: '202122232425262728292a2b2c2d2e2f',
    timestamp: '2024-11-05T12:00:01.736Z',
    recorded_at: '2024-11-05T12:00:01.736Z',
    event_type: 'data.update',
    outcome: 'success',
    severity: 'info',
    user_id: 'bob',
    customer_id: 'acme',
    resource_type: 'invoice',
    resource_id: '2024/117',
    action: 'data.update',
    description: '',
    details: {},
    old_values: { total: 100 },
    new_values: { total: 90.5, note: '10 % off\n' },
  },
];

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** RFC 8785: members sorted by the UTF-16 code units of their names; the rest is what ECMAScript prints. */
function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join()}}`;
}

function sha256(...parts: (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const leaf = (bytes: string) => sha256(Uint8Array.of(0), bytes);
const node = (left: Buffer, right: Buffer) => sha256(Uint8Array.of(1), left, right);

// What stands before the 32 bytes of a private key in its PKCS #8 form (RFC 8410, section 7).
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex');
const privateKey = createPrivateKey({
  key: Buffer.concat([PKCS8_START, SEED]),
  format: 'der',
  type: 'pkcs8',
});
const publicKey = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x as string, 'base64url');
const keyId = (type: number) => sha256(`${ORIGIN}\n`, Uint8Array.of(type), publicKey).subarray(0, 4);

function signatureLine(type: number, ...signature: Buffer[]): string {
  return `— ${ORIGIN} ${Buffer.concat([keyId(type), ...signature]).toString('base64')}\n`;
}

const signed = (message: string) => sign(null, Buffer.from(message), privateKey);

function timestampLine(text: string): string {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(COSIGNED_AT));
  return signatureLine(4, time, signed(`cosignature/v1\ntime ${COSIGNED_AT}\n${text}`));
}

const canonicals = RECORDS.map((record) => canonical(record));
const [one, two, three] = canonicals.map(leaf) as [Buffer, Buffer, Buffer];
const pair = node(one, two);
const root = node(pair, three);
const text = `${ORIGIN}\n3\n${root.toString('base64')}\n`;
const note = `${text}\n${signatureLine(1, signed(text))}${timestampLine(text)}`;
const customerRoot = node(one, three);
const customerText = `${ORIGIN}/customer/acme\n2\n${customerRoot.toString('base64')}\nlog 3\n`;
const hex = (...buffers: Buffer[]) => buffers.map((buffer) => `${buffer.toString('hex')}\n`).join('');

/** The announcement that the first so many events are removed, whose root hash that is. */
export function announcementOf(firstPosition: number, rootHash: Uint8Array): string {
  return canonical({
    v: 1,
    id: 'audit_0192fc3237b07e33a1b2c3d4e5f60812',
    salt: '303132333435363738393a3b3c3d3e3f',
    timestamp: '2024-11-05T12:00:02.480Z',
    recorded_at: '2024-11-05T12:00:02.480Z',
    event_type: 'data.delete',
    outcome: 'success',
    severity: 'warning',
    resource_type: 'audit_log',
    action: 'log.purge',
    description: `${firstPosition} events recorded more than 0 days ago were removed`,
    details: {
      purged: firstPosition,
      olderThanDays: 0,
      from: 0,
      firstPosition,
      rootHash: Buffer.from(rootHash).toString('hex'),
    },
  });
}

interface Spoken {
  position: number;
  firstPosition: number;
  rootHash: string | undefined;
}

/**
 * What the document asks of whoever verifies a log of which the lines from a position on are left: undefined when an event
 * announces that, else the position of the first event that somebody else has removed. `rootAt` gives the root hash of the
 * first so many leaves.
 */
export function firstUnannounced(
  lines: readonly string[],
  start: number,
  rootAt: (size: number) => string,
): number | undefined {
  if (start === 0) return undefined;
  let upgradedAt = -1;
  const spoken: Spoken[] = [];
  for (const [at, line] of lines.entries()) {
    const position = start + at;
    const { event_type: type, action, resource_type: resource, details } = JSON.parse(line);
    if (resource !== 'audit_log') continue;
    const isUpgrade = type === 'config.changed' && action === 'log.upgrade';
    if (isUpgrade) upgradedAt = position;
    if (!isUpgrade && !(type === 'data.delete' && action === 'log.purge')) continue;
    if (details.firstPosition <= position) spoken.push({ ...details, position });
  }
  const right = spoken.filter(({ rootHash, firstPosition, position }) =>
    rootHash === undefined ? position < upgradedAt : rootHash === rootAt(firstPosition),
  );
  if (right.some(({ firstPosition }) => firstPosition >= start)) return undefined;
  return Math.max(0, ...right.map(({ firstPosition }) => firstPosition));
}

/** Every block of the worked example, in the order of the document. */
export const EXAMPLE = {
  lines: canonicals.map((line) => `${line}\n`).join(''),
  leaves: hex(one, two, three),
  root: `${pair.toString('hex')}\n${root.toString('hex')}\n`,
  seed: hex(SEED),
  verifierKey: `${ORIGIN}+${keyId(1).toString('hex')}+${Buffer.concat([Uint8Array.of(1), publicKey]).toString('base64')}\n`,
  note,
  timestampKeyId: hex(keyId(4)),
  timestamped: `cosignature/v1\ntime ${COSIGNED_AT}\n${text}`,
  inclusion: hex(one, three),
  consistency: hex(three),
  bundle: [
    'c2sp.org/tlog-proof@v1',
    `extra ${Buffer.from(canonicals[1] as string).toString('base64')}`,
    'index 1',
    one.toString('base64'),
    three.toString('base64'),
    '',
    note,
  ].join('\n'),
  customerNote: `${customerText}\n${signatureLine(1, signed(customerText))}`,
  tile: hex(Buffer.concat([one, two, three])),
  announcement: `${announcementOf(2, pair)}\n`,
};
