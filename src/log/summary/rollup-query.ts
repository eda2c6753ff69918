import { parseTimestamp } from '../../db/client-with-deadlines.ts';
import { Prisma } from '../../db/generated/client.ts';
import { prepared, type Reads } from '../../db/queries.ts';
import { type Outcome, type Severity, severitiesFrom } from '../../events/catalog.ts';
import type { EventFilter } from '../../events/filter.ts';
import { type Level, type Period, splitPeriod } from './rollup-ranges.ts';
import { BY_TYPE, byLocalDay, byTime, type Grouping, rollupStatement } from './rollup-statement.ts';
import type { Counts } from './rollups.ts';

/** A query that the rollups can answer: events of a scope in a period, filtered by type, and by outcome or severity. */
export interface RollupQuery {
  customerId: string | undefined;
  period: Period;
  eventTypes: string[] | undefined;
  categories: string[] | undefined;
  outcomes: Outcome[] | undefined;
  severities: Severity[] | undefined;
}

// The conditions that rollups can answer.
const ANSWERED: readonly (keyof EventFilter)[] = [
  'customerId',
  'startTime',
  'endTime',
  'eventTypes',
  'categories',
  'outcomes',
  'severities',
  'minSeverity',
];

/** The rollup query that is equal to the filters together. Undefined when the rollups cannot answer it. */
export function rollupQueryOf(filters: readonly EventFilter[]): RollupQuery | undefined {
  const names = filters.flatMap((filter) => Object.keys(filter) as (keyof EventFilter)[]);
  if (names.some((name) => !ANSWERED.includes(name))) return undefined;
  const customers = new Set(filters.flatMap(({ customerId }) => customerId ?? []));
  // No event has two customers. This rare case is left to the general path.
  if (customers.size > 1) return undefined;
  const query: RollupQuery = {
    customerId: [...customers][0],
    period: {
      start: Math.max(...filters.map(({ startTime = Number.NEGATIVE_INFINITY }) => startTime)),
      end: Math.min(...filters.map(({ endTime = Number.POSITIVE_INFINITY }) => endTime)) + 1,
    },
    eventTypes: intersection(filters.map(({ eventTypes }) => eventTypes)),
    categories: intersection(filters.map(({ categories }) => categories)),
    outcomes: intersection(filters.map(({ outcomes }) => outcomes)),
    severities: intersection(
      filters.flatMap(({ severities, minSeverity }) => [
        severities,
        minSeverity && severitiesFrom(minSeverity),
      ]),
    ),
  };
  return query.outcomes && query.severities ? undefined : query;
}

/** The distinct values that all lists have. Undefined when there is no list. */
function intersection<T>(lists: readonly (T[] | undefined)[]): T[] | undefined {
  const [first, ...others] = lists.filter((list) => list !== undefined);
  return first && [...new Set(first)].filter((value) => others.every((list) => list.includes(value)));
}

/** The rollups of all events or of one customer, and up to which position they count. */
export interface RollupScope {
  name: string;
  /** The rollups count exactly the events before this position. */
  counted: number;
  /** The first position of the log. Rows before it are no longer counted, even while they are still stored. */
  first: number;
  /** Another one after each change of the scope's row (its xmin). Null: there is no row. */
  version: string | null;
  /** The counted events lie between these times, in milliseconds since 1970. */
  earliest: number;
  latest: number;
  /** Whether there are rollups of the days of a month, given the month's start. Undefined: for every month. */
  hasDays: ((month: number) => boolean) | undefined;
}

interface RollupScopeRow {
  first_position: number;
  version: string | null;
  counted: number | null;
  earliest: string | null;
  latest: string | null;
  daily_months: number[];
}

/** The name of a customer's scope, or of the whole log's. */
export function rollupScopeName(customerId: string | undefined): string {
  return customerId === undefined ? 'log' : `customer/${customerId}`;
}

/** Reads the state of a scope. */
export async function readRollupScope(db: Reads, customerId: string | undefined): Promise<RollupScope> {
  const name = rollupScopeName(customerId);
  const [row] = await db.$queryRaw<RollupScopeRow[]>(
    prepared(Prisma.sql`SELECT first_position::float8, summary_scopes.xmin::text AS version, counted::float8,
        earliest::text, latest::text, ARRAY(SELECT (extract(epoch FROM month) * 1000)::float8 FROM unnest(daily_months) AS month) AS daily_months
      FROM log_head LEFT JOIN summary_scopes ON scope = ${name}`),
  );
  const daily = new Set(row?.daily_months);
  return {
    name,
    counted: row?.counted ?? 0,
    first: row?.first_position ?? 0,
    version: row?.version ?? null,
    earliest: row?.earliest == null ? Number.NEGATIVE_INFINITY : parseTimestamp(row.earliest),
    latest: row?.latest == null ? Number.POSITIVE_INFINITY : parseTimestamp(row.latest),
    hasDays: customerId === undefined ? undefined : (month) => daily.has(month),
  };
}

/** While events are recorded, counting changes the state of a scope about four times a second. */
const KNOWN_MS = 100;
const MAX_KNOWN = 1_000;

/**
 * The states of scopes, each for a tenth of a second after it was last found to be current. A query that starts from a known
 * state is one statement instead of two.
 */
export class RollupScopes {
  readonly #known = new Map<string, { scope: RollupScope; until: number }>();
  readonly #knownMs: number;

  constructor(knownMs = KNOWN_MS) {
    this.#knownMs = knownMs;
  }

  /** The state of a scope, which may have changed. */
  get(name: string): RollupScope | undefined {
    const known = this.#known.get(name);
    return known && performance.now() < known.until ? known.scope : undefined;
  }

  /** Keeps a state that is current. When there are too many, forgets the one that was found to be current longest ago. */
  keep(scope: RollupScope): void {
    this.#known.delete(scope.name);
    this.#known.set(scope.name, { scope, until: performance.now() + this.#knownMs });
    const [first] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && first !== undefined) this.#known.delete(first);
  }
}

const ATTEMPTS = 3;
const MAX_PARTS = 16;

/** The counts of the events that share a key. */
export type KeyedCounts<Key> = Counts & { key: Key };

/** The state of the scope at the time of the statement. */
type RollupState = Pick<RollupScope, 'counted' | 'first' | 'version'>;

interface RollupOptions {
  /** The levels of rollups that may be read, coarsest first. */
  levels: readonly Level[];
  byType: boolean;
  grouping: Grouping;
  /** The current time: it affects the cost, not the result. */
  now: number;
  scopes: RollupScopes;
}

/** What all queries of a summary have in common. `now`, in milliseconds since 1970, affects the cost, not the result. */
export type RollupSource = Pick<RollupOptions, 'now' | 'scopes'>;

/** Counts the events of a rollup query by event type. Undefined: the rollups move too fast, or are of no use. */
export function countByType(
  db: Reads,
  query: RollupQuery,
  source: RollupSource,
): Promise<KeyedCounts<string>[] | undefined> {
  const levels: Level[] = query.customerId === undefined ? ['month', 'day', 'hour'] : ['month', 'day'];
  return runRollupQuery(db, query, { ...source, levels, byType: true, grouping: BY_TYPE });
}

/** Counts by hour or day. The key is the start in milliseconds since 1970. The period of the query must be finite. */
export async function countByTime(
  db: Reads,
  query: RollupQuery,
  { level, ...source }: RollupSource & { level: 'hour' | 'day' },
): Promise<KeyedCounts<number>[] | undefined> {
  const { customerId, eventTypes, categories } = query;
  if (level === 'hour' && customerId !== undefined) return undefined;
  const levels: Level[] = level === 'hour' ? ['hour'] : customerId === undefined ? ['day', 'hour'] : ['day'];
  // For a customer, and for some types, there are only rollups by type.
  const byType = [customerId, eventTypes, categories].some((one) => one !== undefined);
  return runRollupQuery(db, query, { ...source, levels, byType, grouping: byTime(level) });
}

/**
 * Counts by the local days between `bounds`. The key is the number of the day, from 1. Undefined for a customer, who has no
 * rollups by hour. An hour that a bound divides (the zone's offset is no whole number of hours) counts towards the day that
 * it starts in; its events after the bound are then moved to the next day.
 */
export async function countByLocalDay(
  db: Reads,
  query: RollupQuery,
  { bounds, ...source }: RollupSource & { bounds: readonly number[] },
): Promise<KeyedCounts<number>[] | undefined> {
  const { customerId, eventTypes, categories } = query;
  if (customerId !== undefined) return undefined;
  const byType = [eventTypes, categories].some((one) => one !== undefined);
  return runRollupQuery(db, query, { ...source, levels: ['hour'], byType, grouping: byLocalDay(bounds) });
}

/**
 * Runs a rollup query as one statement, so that rollups and uncounted events are of one snapshot. The state of the scope is a
 * constant in it, so that PostgreSQL plans for the few uncounted events. The statement also returns the state at its time:
 * when that is another one, the state is read and the statement runs again.
 */
async function runRollupQuery<Key>(
  db: Reads,
  query: RollupQuery,
  options: RollupOptions,
): Promise<KeyedCounts<Key>[] | undefined> {
  const { scopes } = options;
  let known = scopes.get(rollupScopeName(query.customerId));
  for (let attempt = known ? 0 : 1; attempt <= ATTEMPTS; attempt += 1) {
    const scope = known ?? (await readRollupScope(db, query.customerId));
    known = undefined;
    const ranges = splitPeriod(withoutBounds(query.period, scope), { ...options, ...scope });
    if (ranges.buckets.length + ranges.edges.length > MAX_PARTS) return undefined;
    const statement = rollupStatement({ ...query, ...options, scope, ranges });
    const rows = await db.$queryRaw<(KeyedCounts<Key | null> & RollupState)[]>(statement);
    if (rows[0] && isState(scope, rows[0])) {
      scopes.keep(scope);
      return rows.filter((row): row is KeyedCounts<Key> & RollupState => row.key !== null);
    }
  }
  return undefined;
}

function isState(scope: RollupScope, { counted, first, version }: RollupState): boolean {
  return counted === scope.counted && first === scope.first && version === scope.version;
}

// Drops a bound that leaves out no counted event, so that no bucket has to be divided.
function withoutBounds({ start, end }: Period, { earliest, latest }: RollupScope): Period {
  return {
    start: start <= earliest ? Number.NEGATIVE_INFINITY : start,
    end: end > latest ? Number.POSITIVE_INFINITY : end,
  };
}
