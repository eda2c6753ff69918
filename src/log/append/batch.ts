import type { PoolClient } from 'pg';
import type { Pool } from '../../db/pool.ts';
import type { PipelineStep } from '../../db/statement-pipeline.ts';
import { AuditError, AuditErrors, conditionOf, Problems } from '../../errors.ts';
import { extendFrontier, type Frontier, rootOf, serializeFrontier } from '../../merkle/tree.ts';
import type { SegmentPart, Segments } from '../segments.ts';
import { COPIED_COLUMNS, copyRows } from './copy-rows.ts';
import { type KnownKeys, keyName, lookUpKeys, positionOfDuplicate } from './idempotency.ts';
import type { PreparedEvent } from './prepare-event.ts';

/** The CONFLICT errors that appending a request would throw. None when the database cannot be asked. */
export async function findConflicts(pool: Pool, request: AppendRequest): Promise<readonly AuditError[]> {
  try {
    const known = await lookUpKeys(pool, request.events);
    const [result] = assignPositions([request], 0, known).results;
    if (result instanceof AuditErrors) return result.all;
    return result instanceof AuditError ? [result] : [];
  } catch (error) {
    if (conditionOf(error) === undefined) throw error;
    return [];
  }
}

/** A batch ready to be sent. */
export interface BuiltBatch extends Batch {
  /** The result of each request once the batch is committed. */
  results: AppendResult[];
  /** Empty when there is no event to insert. */
  steps: PipelineStep[];
  /** The log's tree after the batch. */
  next: Frontier;
}

/** The state of the log that a batch is built on. */
export interface BatchBase {
  /** The log's tree before the batch. */
  tree: Frontier;
  segments: Segments;
  /** Where idempotency keys are looked up. Between the lookup and this batch only `ahead` may be committed. */
  db: Pool | PoolClient;
  /** The preceding batch of this process, when it holds the head and is not committed yet. */
  ahead?: BuiltBatch;
}

/** Assigns a position to each event of the requests, and makes the SQL steps that append them. */
export async function buildBatch(
  requests: AppendRequest[],
  { tree, segments, db, ahead }: BatchBase,
): Promise<BuiltBatch> {
  const events = requests.flatMap((request) => request.events);
  const known = await lookUpKeys(db, events);
  for (const [name, key] of ahead?.known ?? []) known.set(name, key);
  const { batch, results } = assignPositions(requests, tree.size, known);
  if (batch.events.length === 0) return { ...batch, results, steps: [], next: tree };
  const parts = await segments.open(tree.size, tree.size + batch.events.length);
  return { ...batch, results, ...appendSteps(batch, tree, { parts, isAhead: ahead !== undefined }) };
}

/** A request to append events, all or none. `paths` has for each event the path that an error names. */
export interface AppendRequest {
  events: PreparedEvent[];
  paths: string[];
  /** Aborted when nobody waits for the answer any more: a request that was not sent by then is refused with the reason. */
  signal?: AbortSignal | undefined;
}

/** The position of an event: a new one (`isNew`), or that of the earlier event that it duplicates. */
export interface AssignedPosition {
  position: number;
  isNew: boolean;
}

/** The result of a request: the positions of its events, or the error that refuses this request alone. */
export type AppendResult = AssignedPosition[] | Error;

/** The events to insert from position `start` on, and the idempotency keys that are known after them. */
export interface Batch {
  start: number;
  events: PreparedEvent[];
  known: KnownKeys;
}

/** Assigns positions from `start` on to the requests, in their order. A request with a reused key is refused alone. */
export function assignPositions(
  requests: readonly AppendRequest[],
  start: number,
  known: KnownKeys,
): { batch: Batch; results: AppendResult[] } {
  const batch: Batch = { start, events: [], known };
  const results = requests.map((request): AppendResult => {
    try {
      return assignToRequest(batch, request);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  });
  return { batch, results };
}

/**
 * Appends the events of a request to the batch, and adds their keys to the known ones. Throws CONFLICT for each reused key,
 * and then leaves the batch as it was.
 */
function assignToRequest(batch: Batch, { events, paths }: AppendRequest): AssignedPosition[] {
  const known: KnownKeys = new Map();
  const added: PreparedEvent[] = [];
  const problems = new Problems();
  const positions = events.map((event, index): AssignedPosition => {
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
  return positions;
}

/** The SQL steps that append a batch, and the log's tree after it. */
export interface AppendSteps {
  steps: PipelineStep[];
  next: Frontier;
}

/**
 * Makes the steps that append a batch to the log whose tree is `from`: for each segment a COPY, whose trigger moves the head,
 * then the idempotency keys. With `isAhead`, the preceding batch of this process holds the head, so no step claims it.
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

// The argument of the trigger `move_head`. `marked`: a bit of each salt says whether the event has a key (prepare-event.ts).
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

// PostgreSQL's text form of an array: quotes and backslashes are escaped by a backslash.
function textArray(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
