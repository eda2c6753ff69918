import { setTimeout } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { inTransaction, type Pool } from '../db/pool.ts';
import { extendFrontier, type Frontier, rootOf, serializeFrontier } from '../merkle/tree.ts';
import { readHead } from './head.ts';
import { lookUpKeys } from './idempotency.ts';
import { type AppendRequest, type Batch, type Placement, placeRequest } from './place.ts';
import { rowAt } from './prepare.ts';

const MAX_ATTEMPTS = 8;
const RETRY_MS = 5;

/** What became of a request: its placements, or the error that refuses it alone. */
export type Placed = Placement[] | Error;

interface Sent {
  batch: Batch;
  placed: Placed[];
  next: Frontier;
}

/** Commits batches, remembering the head it last wrote, so that an undisturbed append needs one statement. */
export class Committer {
  readonly #pool: Pool;
  readonly #segments = new Set<number>();
  #head: Frontier | undefined;
  #segmentBits = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Appends the requests in order, in one transaction, and says where each event stands.
   * A connection that dies during COMMIT is settled by the ids of the events: never lost, never doubled.
   */
  async commit(requests: AppendRequest[]): Promise<Placed[]> {
    let sent: Sent | undefined;
    const remember = (attempt: Sent) => {
      sent = attempt;
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const placed = await this.#attempt(requests, sent, remember);
        if (placed) return placed;
      } catch (error) {
        this.#head = undefined;
        if (!isTransient(error) || attempt >= MAX_ATTEMPTS) throw error;
        await setTimeout(Math.random() * RETRY_MS * 2 ** attempt);
      }
      this.#head = undefined;
    }
  }

  async #attempt(
    requests: AppendRequest[],
    earlier: Sent | undefined,
    remember: (sent: Sent) => void,
  ): Promise<Placed[] | undefined> {
    if (this.#head && !earlier) return this.#append(this.#pool, requests, remember);
    return inTransaction(this.#pool, async (client) => {
      const head = await readHead(client, { lock: true });
      this.#segmentBits = head.segmentBits;
      this.#head = head.frontier;
      // The lock waits for whoever was committing, so now it is certain whether an earlier attempt arrived.
      if (earlier && (await isStored(client, earlier.batch))) return earlier.placed;
      return this.#append(client, requests, remember);
    });
  }

  async #append(
    db: Pool | PoolClient,
    requests: AppendRequest[],
    remember: (sent: Sent) => void,
  ): Promise<Placed[] | undefined> {
    const from = this.#head as Frontier;
    const events = requests.flatMap((request) => request.events);
    const batch: Batch = { start: from.size, events: [], known: await lookUpKeys(db, events) };
    const placed = requests.map((request) => placeOrRefuse(batch, request));
    if (batch.events.length === 0) return placed;
    const next = extendFrontier(
      from,
      batch.events.map((event) => event.leafHash),
    );
    await this.#ensureSegments(db, from.size, next.size);
    remember({ batch, placed, next });
    if (!(await appendBatch(db, batch, next))) return undefined;
    this.#head = next;
    return placed;
  }

  async #ensureSegments(db: Pool | PoolClient, start: number, end: number): Promise<void> {
    const length = 2 ** this.#segmentBits;
    for (let segment = Math.floor(start / length); segment * length < end; segment += 1) {
      if (this.#segments.has(segment)) continue;
      await db.query('SELECT ensure_segment($1, $2::smallint)', [segment, this.#segmentBits]);
      // Within a transaction that may roll back, the segment is not there for certain.
      if (db === this.#pool) this.#segments.add(segment);
    }
  }
}

function placeOrRefuse(batch: Batch, request: AppendRequest): Placed {
  try {
    return placeRequest(batch, request);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function appendBatch(db: Pool | PoolClient, batch: Batch, next: Frontier): Promise<boolean> {
  const rows = batch.events.map((event, index) => rowAt(event, batch.start + index));
  const keys = batch.events.flatMap((event, index) =>
    event.idempotency
      ? [
          {
            scope: event.idempotency.scope,
            key: event.idempotency.key,
            content_hash: `\\x${event.idempotency.contentHash}`,
            position: batch.start + index,
          },
        ]
      : [],
  );
  const result = await db.query<{ appended: boolean }>(
    'SELECT append_batch($1, $2, $3, $4, $5, $6) AS appended',
    [
      batch.start,
      next.size,
      rootOf(next),
      serializeFrontier(next),
      JSON.stringify(rows),
      JSON.stringify(keys),
    ],
  );
  return result.rows[0]?.appended === true;
}

async function isStored(client: PoolClient, batch: Batch): Promise<boolean> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM audit_events WHERE position = $1', [
    batch.start,
  ]);
  return rows[0] !== undefined && rows[0].id === batch.events[0]?.record.id;
}

/** Whether a retry may help: the connection broke (what was sent may or may not be committed) or the database was busy. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as Error & { code?: unknown }).code;
  if (
    typeof code === 'string' &&
    /^(08...|57P0[123]|53300|40001|40P01|23505|E(CONN|PIPE|TIMEDOUT).*)$/.test(code)
  ) {
    return true;
  }
  return /connection (terminated|error|ended)|not queryable|timeout exceeded when trying to connect/i.test(
    error.message,
  );
}
