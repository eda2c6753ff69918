import { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { prepared, type Reads } from '../db/queries.ts';

/** The positions of a batch that one segment holds, `end` left out. */
export interface SegmentPart {
  /** The segment's table. */
  table: string;
  start: number;
  end: number;
}

/** The positions of a segment, `end` left out. */
export interface SegmentRange {
  start: number;
  end: number;
}

/**
 * The segments that have events, from the first on; asked of the catalog, as whoever reads may not see the head. One that
 * is removed at this moment has no bounds any more; one that is being detached may be locked.
 */
export function readSegments(db: Reads): Promise<SegmentRange[]> {
  return db.$queryRaw(SEGMENTS);
}

// A regular expression in it has a backslash.
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

/** The segments of the log, `2^bits` positions each; the next one is made before anybody needs it. */
export class Segments {
  readonly #pool: Pool;
  readonly #bits: number;
  readonly #made = new Map<number, Promise<void>>();

  constructor(pool: Pool, bits: number) {
    this.#pool = pool;
    this.#bits = bits;
  }

  /** The segments that hold the positions from `start` to `end`, which there are when this resolves. */
  async open(start: number, end: number): Promise<SegmentPart[]> {
    const length = 2 ** this.#bits;
    const parts: SegmentPart[] = [];
    for (let segment = Math.floor(start / length); segment * length < end; segment += 1) {
      await this.#make(segment);
      parts.push({
        table: `audit_segments.s${String(segment).padStart(8, '0')}`,
        start: Math.max(start, segment * length),
        end: Math.min(end, (segment + 1) * length),
      });
    }
    // A failure shows when the segment is needed.
    if (end % length >= length / 2) this.#make(Math.floor(end / length) + 1).catch(() => undefined);
    return parts;
  }

  #make(segment: number): Promise<void> {
    let made = this.#made.get(segment);
    if (!made) {
      made = this.#pool
        .query('SELECT ensure_segment($1, $2::smallint)', [segment, this.#bits])
        .then(() => undefined);
      this.#made.set(segment, made);
      made.catch(() => this.#made.delete(segment));
    }
    return made;
  }
}
