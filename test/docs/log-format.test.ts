import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CANONICAL_MEMBERS, canonicalEvent } from '../../src/events/canonical.ts';
import { OUTCOMES, SEVERITIES } from '../../src/events/catalog.ts';
import {
  type CanonicalField,
  EVENT_FIELDS,
  type EventRecord,
  type Field,
  isAlways,
  type Kind,
  MAX_EVENT_BYTES,
  MAX_JSON_DEPTH,
  MAX_JSON_VALUES,
} from '../../src/events/fields.ts';
import { originOf } from '../../src/evidence/tree-names.ts';
import { signCheckpoint } from '../../src/merkle/checkpoint.ts';
import { leafHash, nodeHash } from '../../src/merkle/hash.ts';
import {
  ED25519,
  ED25519_COSIGNATURE,
  formatNote,
  formatVerifierKey,
  keyIdOf,
  parseNote,
} from '../../src/merkle/note.ts';
import { formatBundle, parseBundle, verifyBundle } from '../../src/merkle/proof-bundle.ts';
import { proveConsistency, proveInclusion } from '../../src/merkle/prove.ts';
import {
  cosignatureVerifier,
  cosigner,
  noteSigner,
  noteVerifier,
  signNote,
} from '../../src/merkle/signatures.ts';
import { Removals, removalEventIn } from '../../src/verify/removals.ts';
import { testKey } from '../merkle/keys.ts';
import { hex, merkleTreeHash } from '../merkle/reference.ts';
import { nodesOf } from '../merkle/stored-tree.ts';
import {
  announcementOf,
  COSIGNED_AT,
  EXAMPLE,
  firstUnannounced,
  ORIGIN,
  RECORDS,
  SEED,
} from './worked-example.ts';

const DOCUMENT = readFileSync(new URL('../../docs/log-format.md', import.meta.url), 'utf8');

test('every block of the worked example is what its rules give', () => {
  const section = DOCUMENT.slice(DOCUMENT.indexOf('## A worked example'));
  const blocks = [...section.matchAll(/^```text\n(.*?)^```$/gms)].map(([, block]) => block);
  expect(blocks).toEqual(Object.values(EXAMPLE));
});

/** The record as the project holds it. */
function eventOf(record: (typeof RECORDS)[number]): EventRecord {
  const { v: _, timestamp, recorded_at, ...rest } = record;
  const named = Object.entries(rest).map(([name, value]) => [camelCase(name), value]);
  const times = { timestamp: Date.parse(timestamp), recordedAt: Date.parse(recorded_at) };
  return { ...Object.fromEntries(named), ...times };
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

const { publicKey, sign } = testKey(SEED[0] as number);
const key = { name: ORIGIN, type: ED25519, publicKey };
const timestampKey = { ...key, type: ED25519_COSIGNATURE };
const lines = RECORDS.map((record) => String(canonicalEvent(eventOf(record))));
const leaves = lines.map((line) => leafHash(Buffer.from(line)));
const [one, two, three] = leaves as [Uint8Array, Uint8Array, Uint8Array];
const hexLines = (hashes: readonly Uint8Array[]) => hashes.map((hash) => `${hex(hash)}\n`).join('');

async function ownNote(): Promise<string> {
  const checkpoint = { origin: ORIGIN, treeSize: 3, rootHash: merkleTreeHash(leaves), extensions: [] };
  const { text, signatures } = parseNote(await signCheckpoint(checkpoint, [noteSigner(key, sign)]));
  const timestamped = await signNote(text, [cosigner(timestampKey, sign, () => COSIGNED_AT)]);
  return formatNote({ text, signatures: [...signatures, ...timestamped.signatures] });
}

test('the project gives the same values', async () => {
  expect(lines.map((line) => `${line}\n`).join('')).toBe(EXAMPLE.lines);
  expect(hexLines(leaves)).toBe(EXAMPLE.leaves);
  expect(hexLines([nodeHash(one, two), merkleTreeHash(leaves)])).toBe(EXAMPLE.root);
  expect(`${formatVerifierKey(key)}\n`).toBe(EXAMPLE.verifierKey);
  expect(`${keyIdOf(timestampKey).toString(16)}\n`).toBe(EXAMPLE.timestampKeyId);
  const note = await ownNote();
  expect(note).toBe(EXAMPLE.note);
  const proof = await proveInclusion(1, 3, nodesOf(leaves));
  expect(hexLines(proof)).toBe(EXAMPLE.inclusion);
  expect(hexLines(await proveConsistency(2, 3, nodesOf(leaves)))).toBe(EXAMPLE.consistency);
  const extra = Buffer.from(lines[1] as string);
  expect(formatBundle({ index: 1, proof, checkpoint: note, extra })).toBe(EXAMPLE.bundle);
  expect(hexLines([Buffer.concat(leaves)])).toBe(EXAMPLE.tile);
  const rootHash = merkleTreeHash([one, three]);
  const checkpoint = {
    origin: originOf('customer/acme', ORIGIN),
    treeSize: 2,
    rootHash,
    extensions: ['log 3'],
  };
  expect(await signCheckpoint(checkpoint, [noteSigner(key, sign)])).toBe(EXAMPLE.customerNote);
});

const rootAt = (size: number) => hex(merkleTreeHash(leaves.slice(0, size)));
const UPGRADE =
  '{"action":"log.upgrade","details":{},"event_type":"config.changed","resource_type":"audit_log"}';
const OLD =
  '{"action":"log.purge","details":{"firstPosition":2,"olderThanDays":0,"purged":2},"event_type":"data.delete","resource_type":"audit_log"}';

/** What is left of a log, from position 2 on, and where the first event is that was removed without a word. */
const LEFT: Record<string, { left: string[]; missing: number | undefined }> = {
  'as it is announced': { left: [announcementOf(2, merkleTreeHash([one, two]))], missing: undefined },
  'of which nothing is announced': { left: [], missing: 0 },
  'of which less is announced': { left: [announcementOf(1, one)], missing: 1 },
  'of which others are announced': { left: [announcementOf(2, two)], missing: 0 },
  'of which more is announced than can be': { left: [announcementOf(9, one)], missing: 0 },
  'announced by a client': {
    left: [announcementOf(2, merkleTreeHash([one, two])).replace('"audit_log"', '"my_log"')],
    missing: 0,
  },
  'announced as an older version did': { left: [OLD], missing: 0 },
  'announced so before the upgrade': { left: [OLD, UPGRADE], missing: undefined },
  'announced so after the upgrade': { left: [UPGRADE, OLD], missing: 0 },
};

test.each(Object.entries(LEFT))('a log without its beginning, %s', (_, { left, missing }) => {
  const all = [lines[2] as string, ...left];
  expect(firstUnannounced(all, 2, rootAt)).toBe(missing);
  const removals = new Removals();
  for (const [at, line] of all.entries()) removals.add(removalEventIn(Buffer.from(line), 2 + at));
  const found = removals.problemAt(2, rootAt);
  expect(found === undefined).toBe(missing === undefined);
  if (found?.kind === 'missing') expect(found.position).toBe(missing);
});

test('the bundle verifies', async () => {
  const bundle = parseBundle(EXAMPLE.bundle);
  const policy = {
    origin: ORIGIN,
    logKeys: [noteVerifier(key)],
    witnesses: [cosignatureVerifier(timestampKey)],
  };
  const proved = await verifyBundle(leafHash(bundle.extra as Uint8Array), bundle, { ...policy, quorum: 1 });
  expect(proved?.checkpoint.treeSize).toBe(3);
});

/** The rows of the table of members: name, and whether it is always there. */
const MEMBERS = [...DOCUMENT.matchAll(/^\| `(\w+)` +\| (yes)? +\| .*? *\|$/gm)].map(
  ([, name = '', always]) => ({
    name,
    isMarkedAlways: always === 'yes',
  }),
);

const MINIMAL: EventRecord = {
  id: 'audit_0',
  salt: '0',
  timestamp: 0,
  recordedAt: 0,
  eventType: 'data.read',
  outcome: 'success',
  severity: 'info',
  action: 'read',
  description: '',
  details: {},
};

test('the table of members is complete, and says what is always there', () => {
  const all = Object.fromEntries(
    MEMBERS.map(({ name }) => [camelCase(name), name.endsWith('_values') ? {} : '']),
  );
  const full = String(canonicalEvent({ ...all, ...MINIMAL }));
  expect(MEMBERS.map(({ name }) => name)).toEqual(Object.keys(JSON.parse(full)));
  const always = MEMBERS.filter(({ isMarkedAlways }) => isMarkedAlways).map(({ name }) => name);
  expect(always).toEqual(Object.keys(JSON.parse(String(canonicalEvent(MINIMAL)))));
});

const listOf = (names: readonly string[]) =>
  names
    .map((name) => `\`${name}\``)
    .join(', ')
    .replace(/, ([^,]+)$/, ' or $1');
const VALUES: Record<Exclude<Kind, 'text' | 'time' | 'position' | 'hash'>, string> = {
  object: 'object',
  address: 'text: IPv4 with four decimals; IPv6 by RFC 5952',
  eventType: 'dotted, such as `auth.login_failed`',
  outcome: listOf(OUTCOMES),
  severity: listOf(SEVERITIES),
  id: '`audit_` and the 32 hex digits of a UUIDv7',
  salt: '16 bytes in hex, random but for the lowest bit of the last',
};
const TIMES: Record<string, string> = {
  timestamp: 'when it happened, by the sender; without that, the time of receipt',
  recordedAt: 'time of receipt',
};

function describedValue(name: CanonicalField): string | undefined {
  const field: Field = EVENT_FIELDS[name];
  if (field.kind === 'text') return `text, up to ${field.maxLength?.toLocaleString('en')} characters`;
  return field.kind === 'time' ? TIMES[name] : VALUES[field.kind as keyof typeof VALUES];
}

// `npm run regenerate` writes it.
test('the table of members is that of the fields', async () => {
  const rows = CANONICAL_MEMBERS.map(({ field, name }) => [
    `\`${name}\``,
    field === undefined || isAlways(field) ? 'yes' : '',
    field === undefined ? 'the number 1: the version of this form' : (describedValue(field) ?? ''),
  ]);
  const head = ['member', 'always', 'value'];
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((cells) => cells[at]?.length ?? 0)));
  const lineOf = (cells: string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |\n`;
  const rule = lineOf(widths.map((width) => '-'.repeat(width)));
  const table = lineOf(head) + rule + rows.map(lineOf).join('');
  const document = DOCUMENT.replace(/^\| member +\|.*\n(\|.*\n)+/m, table);
  await expect(document).toMatchFileSnapshot('../../docs/log-format.md');
});

test('its bounds are those of the project', () => {
  for (const bound of [MAX_EVENT_BYTES, MAX_JSON_VALUES])
    expect(DOCUMENT).toContain(bound.toLocaleString('en'));
  expect(DOCUMENT).toContain(`up to ${MAX_JSON_DEPTH} levels`);
});
