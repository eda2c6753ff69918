import type { PoolClient } from 'pg';
import type { Pool } from '../../db/pool.ts';
import type { PipelineStep } from '../../db/statement-pipeline.ts';
import { AuditError, AuditErrors, conditionOf, Problems } from '../../errors.ts';
import { extendFrontier, type Frontier, rootOf, serializeFrontier } from '../../merkle/tree.ts';
import type { SegmentPart, Segments } from '../segments.ts';
import { COPIED_COLUMNS, copyRows } from './copy-rows.ts';
import { type KnownKeys, keyName, lookUpKeys, positionOfDuplicate } from './idempotency.ts';
import type { PreparedEvent } from './prepare-event.ts';

/** The CONFLICTs for which a request would be refused; none where the database cannot tell. */
export async function findConflicts(pool: Pool, request: AppendRequest): Promise<readonly AuditError[]> {
  try {
    const known = await lookUpKeys(pool, request.events);
    const [placed] = assignPositions([request], 0, known).placed;
    if (placed instanceof AuditErrors) return placed.all;
    return placed instanceof AuditError ? [placed] : [];
  } catch (error) {
    if (conditionOf(error) === undefined) throw error;
    return [];
  }
}

/** A batch ready to be sent. */
export interface BuiltBatch extends Batch {
  /** What becomes of each request when the batch is committed. */
  placed: AppendResult[];
  /** None when there is no event to insert. */
  steps: PipelineStep[];
  /** The tree after it. */
  next: Frontier;
}

/** On what a batch is built. */
export interface BatchBase {
  /** The log's tree before it. */
  tree: Frontier;
  segments: Segments;
  /** Where to look up keys: nothing may be committed between that and the batch, unless by `ahead`. */
  db: Pool | PoolClient;
  /** The batch that has the head and is not committed yet. */
  ahead?: BuiltBatch;
}

/** Gives every event of the requests its place and makes the steps that append them. */
export async function buildBatch(
  requests: AppendRequest[],
  { tree, segments, db, ahead }: BatchBase,
): Promise<BuiltBatch> {
  const known = await lookUpKeys(
    db,
    requests.flatMap((request) => request.events),
  );
  for (const [name, key] of ahead?.known ?? []) known.set(name, key);
  const { batch, placed } = assignPositions(requests, tree.size, known);
  if (batch.events.length === 0) return { ...batch, placed, steps: [], next: tree };
  const parts = await segments.open(tree.size, tree.size + batch.events.length);
  return { ...batch, placed, ...appendSteps(batch, tree, { parts, isAhead: ahead !== undefined }) };
}

/** A request to append: its events, and for each the path to name in an error. All or nothing. */
export interface AppendRequest {
  events: PreparedEvent[];
  paths: string[];
  /** Aborted when nobody waits for the answer any more: what has not been sent by then is refused with its reason. */
  signal?: AbortSignal | undefined;
}

/** Where each event of a request stands: at a new place, or as a duplicate of the event at a place. */
export interface AssignedPosition {
  position: number;
  isNew: boolean;
}

/** What became of a request: its placements, or the error that refuses it alone. */
export type AppendResult = AssignedPosition[] | Error;

/** A batch: the events to insert, from position `start` on, and the keys known by then. */
export interface Batch {
  start: number;
  events: PreparedEvent[];
  known: KnownKeys;
}

/** Places the requests one behind the other in a new batch from `start` on; a request with a reused key is refused alone. */
export function assignPositions(
  requests: readonly AppendRequest[],
  start: number,
  known: KnownKeys,
): { batch: Batch; placed: AppendResult[] } {
  const batch: Batch = { start, events: [], known };
  const placed = requests.map((request): AppendResult => {
    try {
      return assignToRequest(batch, request);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  });
  return { batch, placed };
}

/**
 * Places the events of a request behind those of the batch, and remembers their keys.
 * Throws CONFLICT for each reused key; then the batch is as it was.
 */
function assignToRequest(batch: Batch, { events, paths }: AppendRequest): AssignedPosition[] {
  const known: KnownKeys = new Map();
  const added: PreparedEvent[] = [];
  const problems = new Problems();
  const placements = events.map((event, index): AssignedPosition => {
    const path = paths[index] ?? 'input';
    const { idempotency } = event;
    const name = idempotency && keyName(idempotency);
    const first = name === undefined ? undefined : (batch.known.get(name) ?? known.get(name));
    if (first) {
      const duplicate = problems.attempt(() => positionOfDuplicate(event, first, path));
      return { position: duplicate ?? first.position, isNew: false };
    }
    const position = batch.start + batch.events.length + added.length;
    added.push(event);
    if (idempotency && name !== undefined)
      known.set(name, { position, hadContent: (contentHash) => contentHash === idempotency.contentHash });
    return { position, isNew: true };
  });
  problems.throwAny();
  for (const event of added) batch.events.push(event);
  for (const [name, key] of known) batch.known.set(name, key);
  return placements;
}

/** The steps that append a batch, and the tree after it. */
export interface AppendSteps {
  steps: PipelineStep[];
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
  const steps: PipelineStep[] = [];
  let tree = from;
  for (const { table, start, end } of parts) {
    const events = batch.events.slice(start - batch.start, end - batch.start);
    const next = extendFrontier(
      tree,
      events.map((event) => event.leafHash),
    );
    steps.push(isAhead ? announceHead(tree, next) : claimHead(tree, next));
    steps.push({ sql: `COPY ${table} (${COPIED_COLUMNS}) FROM STDIN BINARY`, rows: copyRows(events, start) });
    tree = next;
  }
  const keys = keepKeysStep(batch);
  if (keys) steps.push(keys);
  return { steps, next: tree };
}

function claimHead(tree: Frontier, next: Frontier): PipelineStep {
  return { sql: 'SELECT claim_head($1, $2)', parameters: [String(tree.size), headAfter(tree, next)] };
}

function announceHead(tree: Frontier, next: Frontier): PipelineStep {
  return { sql: "SELECT set_config('audit_log.next', $1, true)", parameters: [headAfter(tree, next)] };
}

// What the trigger `move_head` reads; `marked`: salts say which events came with a key (see `prepare.ts`).
function headAfter(tree: Frontier, next: Frontier): string {
  return `${tree.size} ${next.size} ${bytea(rootOf(next))} ${bytea(serializeFrontier(next))} marked`;
}

function keepKeysStep({ events, start }: Batch): PipelineStep | undefined {
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
