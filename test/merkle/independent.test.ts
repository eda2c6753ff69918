import fc from 'fast-check';
import { expect } from 'vitest';
import { signCheckpoint } from '../../src/merkle/checkpoint.ts';
import { leafHash } from '../../src/merkle/hash.ts';
import { formatNote, parseNote, parseVerifierKey } from '../../src/merkle/note.ts';
import { formatBundle, type ProofBundle } from '../../src/merkle/proof-bundle.ts';
import { proveInclusion } from '../../src/merkle/prove.ts';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logPair, testKey } from './keys.ts';
import { merkleTreeHash } from './reference.ts';
import { sigstoreAccepts } from './sigstore.ts';
import { nodesOf } from './stored-tree.ts';

const origin = 'log.example/audit';
const { signer } = logPair(origin, 1);
const log = { origin, publicKey: testKey(1).publicKey };

interface Proved extends ProofBundle {
  extra: Uint8Array;
}

async function prove(size: number, index: number): Promise<Proved> {
  const entries = Array.from({ length: size }, (_, n) => new TextEncoder().encode(`{"n":${n}}`));
  const leaves = entries.map(leafHash);
  const checkpoint = { origin, treeSize: size, rootHash: merkleTreeHash(leaves), extensions: [] };
  return {
    index,
    proof: await proveInclusion(index, size, nodesOf(leaves)),
    checkpoint: await signCheckpoint(checkpoint, [signer]),
    extra: entries[index] as Uint8Array,
  };
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const at = Math.floor(bit / 8) % bytes.length;
  return bytes.map((byte, index) => (index === at ? byte ^ (1 << (bit % 8)) : byte));
}

/** Every way to make a bundle wrong by one change to the event, its place, the proof, the text or the signature. */
function alterations(bundle: Proved, bit: number): ProofBundle[] {
  const { index, proof, checkpoint, extra } = bundle;
  const { text, signatures } = parseNote(checkpoint);
  const [first = '', size = '', root = ''] = text.split('\n');
  const texts = [
    text.replace(first, `${first}x`),
    text.replace(`\n${size}\n`, `\n${Number(size) + 1}\n`),
    text.replace(root, Buffer.from(flip(Buffer.from(root, 'base64'), bit)).toString('base64')),
    `${text}extension\n`,
  ];
  const forged = signatures.map((line) => ({ ...line, signature: flip(line.signature, bit) }));
  return [
    { ...bundle, extra: flip(extra, bit) },
    { ...bundle, index: index + 1 },
    ...proof.map((hash, at) => ({ ...bundle, proof: proof.with(at, flip(hash, bit)) })),
    ...proof.map((_, at) => ({ ...bundle, proof: proof.toSpliced(at, 1) })),
    { ...bundle, proof: [...proof, Buffer.alloc(32)] },
    ...texts.map((other) => ({ ...bundle, checkpoint: formatNote({ text: other, signatures }) })),
    { ...bundle, checkpoint: formatNote({ text, signatures: forged }) },
  ];
}

test('Sigstore accepts every leaf of every tree up to 40 leaves', async () => {
  for (let size = 1; size <= 40; size += 1) {
    for (let index = 0; index < size; index += 1)
      expect(sigstoreAccepts(formatBundle(await prove(size, index)), log)).toBe(true);
  }
});

test('Sigstore refuses what was altered in any part', async () => {
  const places = fc
    .integer({ min: 1, max: 60 })
    .chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)));
  await fc.assert(
    fc.asyncProperty(places, fc.nat(), async ([size, index], bit) => {
      for (const wrong of alterations(await prove(size, index), bit))
        expect(sigstoreAccepts(formatBundle(wrong), log)).toBe(false);
    }),
  );
});

test('Sigstore refuses another key and another log', async () => {
  const bundle = formatBundle(await prove(7, 3));
  expect(sigstoreAccepts(bundle, log)).toBe(true);
  expect(sigstoreAccepts(bundle, { ...log, publicKey: testKey(2).publicKey })).toBe(false);
  expect(sigstoreAccepts(bundle, { ...log, origin: 'log.example/other' })).toBe(false);
});

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

const PROVED = graphql(`
  query Proved {
    checkpoint { origin verifierKey }
    auditEvents(first: 1000) {
      edges { node { proofBundle } }
    }
  }
`);

test('Sigstore accepts the proofs that a running service gives', async () => {
  const input = Array.from({ length: 300 }, (_, n) => ({
    eventType: 'DATA_READ',
    details: { n, text: 'é ✓' },
  }));
  await service.ask('mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }', {
    input,
  });
  const { checkpoint, auditEvents } = dataOf(await service.ask(PROVED));
  if (!checkpoint) throw new Error('there is no checkpoint');
  const trusted = { origin: checkpoint.origin, ...parseVerifierKey(checkpoint.verifierKey) };
  const bundles = auditEvents.edges.map(({ node }) => node.proofBundle);
  expect(bundles).toHaveLength(300);
  for (const bundle of bundles) expect(sigstoreAccepts(bundle, trusted)).toBe(true);
});
