import type { Reads } from '../../db/queries.ts';
import { OUTCOMES, type Outcome, SEVERITIES, type Severity } from '../../events/catalog.ts';
import type { EventFilter } from '../../events/filter.ts';
import {
  bucketsOf,
  type Count,
  countBy,
  countEvents,
  countTimeline,
  type Timeline,
  type TimelinePoint,
} from './group-by.ts';
import {
  countByLocalDay,
  countByTime,
  countByType,
  type KeyedCounts,
  type RollupQuery,
  RollupScopes,
  type RollupSource,
  rollupQueryOf,
} from './rollup-query.ts';
import type { Counts } from './rollups.ts';

/**
 * Exact counts of the matching events. They come from the rollups and the events that are not counted yet, where rollups can
 * answer; otherwise from the events. The counts by type, outcome and severity are of one snapshot.
 */
export class Summary {
  readonly #db: Reads;
  readonly #filters: readonly EventFilter[];
  readonly #query: RollupQuery | undefined;
  readonly #source: RollupSource;
  #types: Promise<KeyedCounts<string>[] | undefined> | undefined;

  /** Neither `now`, in milliseconds since 1970, nor the known scopes affect the result. */
  constructor(db: Reads, filters: readonly EventFilter[], now: number, scopes = new RollupScopes()) {
    this.#db = db;
    this.#filters = db.customerId === undefined ? filters : [...filters, { customerId: db.customerId }];
    this.#query = rollupQueryOf(this.#filters);
    this.#source = { now, scopes };
  }

  /** The number of matching events. */
  async total(): Promise<number> {
    const types = await this.#countByType();
    if (!types) return countEvents(this.#db, this.#filters);
    return types.reduce((sum, counts) => sum + this.#matching(counts), 0);
  }

  /** The counts by event type: highest first, equal counts by type. */
  async byType(): Promise<Count[]> {
    const types = await this.#countByType();
    if (!types) return countBy(this.#db, this.#filters, 'eventType');
    return ranked(types.map((counts) => ({ value: counts.key, count: this.#matching(counts) })));
  }

  async byOutcome(): Promise<Count<Outcome>[]> {
    const types = this.#query?.severities ? undefined : await this.#countByType();
    if (!types) return countBy(this.#db, this.#filters, 'outcome');
    const outcomes = this.#query?.outcomes ?? OUTCOMES;
    return ranked(outcomes.map((value) => ({ value, count: sum(types, `outcome_${value}`) })));
  }

  async bySeverity(): Promise<Count<Severity>[]> {
    const types = this.#query?.outcomes ? undefined : await this.#countByType();
    if (!types) return countBy(this.#db, this.#filters, 'severity');
    const severities = this.#query?.severities ?? SEVERITIES;
    return ranked(severities.map((value) => ({ value, count: sum(types, `severity_${value}`) })));
  }

  /** The buckets of a period, which must contain all the events. Empty buckets are included. */
  async timeline(timeline: Timeline): Promise<TimelinePoint[]> {
    const rows = await this.#countTimeline(timeline);
    if (!rows) return countTimeline(this.#db, this.#filters, timeline);
    const found = new Map(rows.map((row) => [row.key, row]));
    return bucketsOf(timeline).map(({ key, start }) => this.#pointOf(start, found.get(key)));
  }

  async #countTimeline({ bucket, bounds }: Timeline): Promise<KeyedCounts<number>[] | undefined> {
    const query = this.#query?.outcomes ? undefined : this.#query;
    if (!query || bucket === 'MINUTE') return undefined;
    const source = this.#source;
    if (!bounds) return countByTime(this.#db, query, { ...source, level: bucket === 'DAY' ? 'day' : 'hour' });
    return bucket === 'DAY' ? countByLocalDay(this.#db, query, { ...source, bounds }) : undefined;
  }

  #pointOf(start: number, counts: Counts | undefined): TimelinePoint {
    if (!counts) return { start, count: 0, bySeverity: [] };
    const severities = this.#query?.severities ?? SEVERITIES;
    const bySeverity = ranked(severities.map((value) => ({ value, count: counts[`severity_${value}`] })));
    return { start, count: this.#matching(counts), bySeverity };
  }

  #countByType(): Promise<KeyedCounts<string>[] | undefined> {
    this.#types ??= this.#query
      ? countByType(this.#db, this.#query, this.#source)
      : Promise.resolve(undefined);
    return this.#types;
  }

  #matching(counts: Counts): number {
    const { outcomes, severities } = this.#query ?? {};
    if (outcomes) return outcomes.reduce((total, outcome) => total + counts[`outcome_${outcome}`], 0);
    if (severities) return severities.reduce((total, severity) => total + counts[`severity_${severity}`], 0);
    return counts.total;
  }
}

function sum(rows: readonly Counts[], column: keyof Counts): number {
  return rows.reduce((total, row) => total + row[column], 0);
}

function ranked<T extends string>(counts: Count<T>[]): Count<T>[] {
  return counts
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}
