import { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { prepared, type Reads } from '../db/queries.ts';

/** The positions of a batch within one segment, `end` exclusive. */
export interface SegmentPart {
  /** The table of the segment. */
  table: string;
  start: number;
  end: number;
}

/** The positions of a segment, `end` exclusive. */
export interface SegmentRange {
  start: number;
  end: number;
}

/**
 * The segments with events, in order. They are read from the catalog, since a reader under row-level security may read of the
 * head only the first position. Left out are segments that are being removed, which have no bounds any more, or detached,
 * which may be locked.
 */
export function readSegments(db: Reads): Promise<SegmentRange[]> {
  return db.$queryRaw(SEGMENTS);
}

// `raw` because the regular expression has a backslash.
const SEGMENTS = prepared(
  Prisma.raw(
    String.raw`SELECT bounds[1]::float8 AS start, bounds[2]::float8 AS "end"
     FROM pg_catalog.pg_inherits JOIN pg_catalog.pg_class ON oid = inhrelid,
       regexp_match(pg_get_expr(relpartbound, oid), '(\d+).*?(\d+)') AS bounds
     WHERE inhparent = 'audit_events'::regclass AND NOT inhdetachpending AND bounds IS NOT NULL
       AND pg_relation_size(inhrelid) > 0
     ORDER BY start`,
  ),
);

/** Creates the segments of the log, of `2^bits` positions each. The next one is created before it is needed. */
export class Segments {
  readonly #pool: Pool;
  readonly #bits: number;
  readonly #ensured = new Map<number, Promise<void>>();

  constructor(pool: Pool, bits: number) {
    this.#pool = pool;
    this.#bits = bits;
  }

  /** The parts of the segments with the positions from `start` to `end`. Creates missing segments before it resolves. */
  async open(start: number, end: number): Promise<SegmentPart[]> {
    const length = 2 ** this.#bits;
    const parts: SegmentPart[] = [];
    for (let segment = Math.floor(start / length); segment * length < end; segment += 1) {
      await this.#ensure(segment);
      parts.push({
        table: `audit_segments.s${String(segment).padStart(8, '0')}`,
        start: Math.max(start, segment * length),
        end: Math.min(end, (segment + 1) * length),
      });
    }
    // Ahead of need: a failure is reported when the segment is needed.
    if (end % length >= length / 2) this.#ensure(Math.floor(end / length) + 1).catch(() => undefined);
    return parts;
  }

  #ensure(segment: number): Promise<void> {
    let ensured = this.#ensured.get(segment);
    if (!ensured) {
      ensured = this.#pool
        .query('SELECT ensure_segment($1, $2::smallint)', [segment, this.#bits])
        .then(() => undefined);
      this.#ensured.set(segment, ensured);
      ensured.catch(() => this.#ensured.delete(segment));
    }
    return ensured;
  }
}
