import type { Step } from '../db/pipeline.ts';
import { extendFrontier, type Frontier, rootOf, serializeFrontier } from '../merkle/tree.ts';
import { COPIED_COLUMNS, copyRows } from './copy-rows.ts';
import type { Batch } from './place.ts';
import type { PreparedEvent } from './prepare.ts';
import type { SegmentPart } from './segments.ts';

/** The steps that append a batch, and the tree after it. */
export interface AppendSteps {
  steps: Step[];
  next: Frontier;
}

/**
 * The steps that append the batch to the log whose tree is `from`: for each segment its rows, with which a trigger moves
 * the head, then the keys. With `isAhead` they do not take the head first: the preceding batch of this process holds it.
 */
export function appendSteps(
  batch: Batch,
  from: Frontier,
  { parts, isAhead = false }: { parts: readonly SegmentPart[]; isAhead?: boolean },
): AppendSteps {
  const steps: Step[] = [];
  let tree = from;
  for (const { table, start, end } of parts) {
    const events = batch.events.slice(start - batch.start, end - batch.start);
    const next = extendFrontier(
      tree,
      events.map((event) => event.leafHash),
    );
    steps.push(isAhead ? announce(tree, next) : claim(tree, next));
    steps.push({ sql: `COPY ${table} (${COPIED_COLUMNS}) FROM STDIN BINARY`, rows: copyRows(events, start) });
    tree = next;
  }
  const keys = keepKeys(batch);
  if (keys) steps.push(keys);
  return { steps, next: tree };
}

function claim(tree: Frontier, next: Frontier): Step {
  return { sql: 'SELECT claim_head($1, $2)', parameters: [String(tree.size), growth(tree, next)] };
}

function announce(tree: Frontier, next: Frontier): Step {
  return { sql: "SELECT set_config('audit_log.next', $1, true)", parameters: [growth(tree, next)] };
}

// What the trigger `move_head` reads; `marked`: salts say which events came with a key (see `prepare.ts`).
function growth(tree: Frontier, next: Frontier): string {
  return `${tree.size} ${next.size} ${bytea(rootOf(next))} ${bytea(serializeFrontier(next))} marked`;
}

function keepKeys({ events, start }: Batch): Step | undefined {
  const scopes: string[] = [];
  const keys: string[] = [];
  const hashes: string[] = [];
  const positions: number[] = [];
  events.forEach(({ idempotency }: PreparedEvent, index) => {
    if (!idempotency) return;
    scopes.push(idempotency.scope);
    keys.push(idempotency.key);
    hashes.push(idempotency.contentHash);
    positions.push(start + index);
  });
  if (keys.length === 0) return undefined;
  return {
    sql: 'SELECT keep_keys($1, $2, $3, $4)',
    parameters: [
      textArray(scopes),
      textArray(keys),
      `{${hashes.map(byteaElement).join(',')}}`,
      `{${positions}}`,
    ],
  };
}

function bytea(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`;
}

function byteaElement(hex: string): string {
  return `"\\\\x${hex}"`;
}

// The text form of an array, in which a backslash stands before quotes and backslashes.
function textArray(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
