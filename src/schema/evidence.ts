import { badInput } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/fields.ts';
import { checkText } from '../events/json.ts';
import type { SignedCheckpoint } from '../evidence/evidence.ts';
import type { ConsistencyProof, InclusionProof } from '../evidence/proofs.ts';
import { builder } from './builder.ts';
import { treeViewOf } from './context.ts';
import { cost, QUERY_COST } from './cost.ts';
import { AuditEventRef } from './event.ts';

const hex = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString('hex'));
// Less than its work: a page of 1,000 events with a proof of each must be within the limit.
const PROOF_COST = 50;
const HASHES = 'Lower-case hex, 32 bytes each, in the order of RFC 9162.';
const CUSTOMER =
  "The tree of this customer; absent: the log's tree. A key that is bound to a customer always gets that customer's.";

const MIN_WITNESSES =
  "Only a checkpoint that at least so many witnesses have cosigned; it may be a little older. Not for a customer's tree.";

const CheckpointRef = builder.objectRef<SignedCheckpoint>('Checkpoint').implement({
  description:
    'The signed state of a tree (C2SP tlog-checkpoint). A copy kept elsewhere proves any later change.',
  fields: (t) => ({
    origin: t.exposeString('origin', { description: 'The name of the tree: the first line of the note.' }),
    treeSize: t.field({
      type: 'SafeInt',
      description: 'The number of leaves of the tree.',
      resolve: ({ treeSize }) => treeSize,
    }),
    logSize: t.field({
      type: 'SafeInt',
      description:
        'The size of the log that it covers: every event of the tree with a smaller position is in the tree.',
      resolve: ({ logSize }) => logSize,
    }),
    rootHash: t.string({
      description: 'The root hash of the tree (RFC 9162), as lower-case hex.',
      resolve: ({ rootHash }) => rootHash.toString('hex'),
    }),
    note: t.exposeString('note', { description: 'Signed note (C2SP signed-note), with all cosignatures.' }),
    signedAt: t.field({
      type: 'DateTime',
      description: 'When the log signed it.',
      resolve: ({ signedAt }) => signedAt,
    }),
    verifierKey: t.exposeString('verifierKey', {
      description:
        "The log's public key in the form of signed notes. Compare it with a copy from another source before you trust it.",
    }),
  }),
});

const InclusionProofRef = builder.objectRef<InclusionProof>('InclusionProof').implement({
  description: 'Proves that an event is a leaf of a tree.',
  fields: (t) => ({
    leafIndex: t.field({
      type: 'SafeInt',
      description: "The event's position; in a customer's tree its place among the customer's own events.",
      resolve: ({ leafIndex }) => leafIndex,
    }),
    treeSize: t.field({
      type: 'SafeInt',
      description: 'The number of leaves of the tree.',
      resolve: ({ treeSize }) => treeSize,
    }),
    hashes: t.stringList({ description: HASHES, resolve: ({ hashes }) => hex(hashes) }),
  }),
});

const ConsistencyProofRef = builder.objectRef<ConsistencyProof>('ConsistencyProof').implement({
  description: 'Proves that a tree is the beginning of a later one.',
  fields: (t) => ({
    from: t.field({
      type: 'SafeInt',
      description: 'The size of the earlier tree.',
      resolve: ({ from }) => from,
    }),
    to: t.field({ type: 'SafeInt', description: 'The size of the later tree.', resolve: ({ to }) => to }),
    hashes: t.stringList({ description: HASHES, resolve: ({ hashes }) => hex(hashes) }),
  }),
});

builder.objectFields(AuditEventRef, (t) => ({
  inclusionProof: t.field({
    type: InclusionProofRef,
    extensions: cost({ own: PROOF_COST }),
    description:
      "Proves that the event is in the log's tree; for a key that is bound to a customer, in that customer's tree.",
    authScopes: { scope: 'events:read' },
    args: {
      treeSize: t.arg({
        type: 'SafeInt',
        description: 'Default: the size of a checkpoint that covers the event.',
      }),
    },
    resolve: (event, { treeSize }, { proofs }) => proofs.inclusionProof(event, treeSize ?? undefined),
  }),
  proofBundle: t.string({
    extensions: cost({ own: PROOF_COST }),
    description:
      'A self-contained proof (C2SP tlog-proof) with the event as extra data: it verifies offline.',
    authScopes: { scope: 'events:read' },
    args: { minWitnesses: t.arg.int({ defaultValue: 0, description: MIN_WITNESSES }) },
    resolve: (event, { minWitnesses }, { proofs }) => proofs.proofBundle(event, minWitnesses ?? 0),
  }),
}));

builder.queryFields((t) => ({
  checkpoint: t.field({
    type: CheckpointRef,
    extensions: cost({ own: QUERY_COST }),
    description: 'The signed checkpoint of all events recorded so far, or of a tree size.',
    authScopes: { scope: 'events:read' },
    args: {
      treeSize: t.arg({
        type: 'SafeInt',
        description: 'The checkpoint of this tree size; absent: the newest.',
      }),
      minWitnesses: t.arg.int({ defaultValue: 0, description: MIN_WITNESSES }),
      customerId: t.arg.string({ description: CUSTOMER }),
    },
    resolve: (_, { treeSize, minWitnesses, customerId }, { principal, services }) =>
      services.evidence.checkpoint(treeViewOf({ principal, services }, checkCustomer(customerId)), {
        treeSize: treeSize ?? undefined,
        minWitnesses: minWitnesses ?? 0,
      }),
  }),
  consistencyProof: t.field({
    type: ConsistencyProofRef,
    extensions: cost({ own: QUERY_COST }),
    description: 'Proves that the tree of size `from` is the beginning of the tree of size `to`.',
    authScopes: { scope: 'events:read' },
    args: {
      from: t.arg({ type: 'SafeInt', required: true, description: 'The size of the earlier tree.' }),
      to: t.arg({ type: 'SafeInt', required: true, description: 'The size of the later tree.' }),
      customerId: t.arg.string({ description: CUSTOMER }),
    },
    resolve: (_, { from, to, customerId }, { principal, services }) =>
      services.evidence.consistencyProof(treeViewOf({ principal, services }, checkCustomer(customerId)), {
        from,
        to,
      }),
  }),
}));

function checkCustomer(customerId: string | null | undefined): string | undefined {
  if (customerId == null) return undefined;
  checkText(customerId, 'customerId');
  if (customerId.length > TEXT_BOUNDS.customerId) throw badInput('customerId', 'is too long');
  return customerId;
}
