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
  rollupQueryOf,
} from './rollup-query.ts';
import type { Counts } from './rollups.ts';

/**
 * Exact counts of the events that match: out of counts that are kept, where those can tell, and of what is not in them
 * yet; else of the events themselves. Counts by type, outcome and severity are of one moment.
 */
export class Summary {
  readonly #db: Reads;
  readonly #filters: readonly EventFilter[];
  readonly #question: RollupQuery | undefined;
  readonly #now: number;
  #types: Promise<KeyedCounts<string>[] | undefined> | undefined;

  /** `now`: milliseconds since 1970; it decides what is cheap, not what is right. */
  constructor(db: Reads, filters: readonly EventFilter[], now: number) {
    this.#db = db;
    this.#filters = db.customerId === undefined ? filters : [...filters, { customerId: db.customerId }];
    this.#question = rollupQueryOf(this.#filters);
    this.#now = now;
  }

  /** How many there are. */
  async total(): Promise<number> {
    const types = await this.#tallyTypes();
    if (!types) return countEvents(this.#db, this.#filters);
    return types.reduce((sum, tally) => sum + this.#wanted(tally), 0);
  }

  /** By event type, highest count first, equal ones by type. */
  async byType(): Promise<Count[]> {
    const types = await this.#tallyTypes();
    if (!types) return countBy(this.#db, this.#filters, 'eventType');
    return ranked(types.map((tally) => ({ value: tally.key, count: this.#wanted(tally) })));
  }

  async byOutcome(): Promise<Count<Outcome>[]> {
    const types = this.#question?.severities ? undefined : await this.#tallyTypes();
    if (!types) return countBy(this.#db, this.#filters, 'outcome');
    const outcomes = this.#question?.outcomes ?? OUTCOMES;
    return ranked(outcomes.map((value) => ({ value, count: sum(types, `outcome_${value}`) })));
  }

  async bySeverity(): Promise<Count<Severity>[]> {
    const types = this.#question?.outcomes ? undefined : await this.#tallyTypes();
    if (!types) return countBy(this.#db, this.#filters, 'severity');
    const severities = this.#question?.severities ?? SEVERITIES;
    return ranked(severities.map((value) => ({ value, count: sum(types, `severity_${value}`) })));
  }

  /** The buckets of a period, in which all the events must lie; empty ones too. */
  async timeline(timeline: Timeline): Promise<TimelinePoint[]> {
    const tallies = await this.#tallyTimeline(timeline);
    if (!tallies) return countTimeline(this.#db, this.#filters, timeline);
    const found = new Map(tallies.map((tally) => [tally.key, tally]));
    return bucketsOf(timeline).map(({ key, start }) => this.#pointOf(start, found.get(key)));
  }

  async #tallyTimeline({ bucket, bounds }: Timeline): Promise<KeyedCounts<number>[] | undefined> {
    const question = this.#question?.outcomes ? undefined : this.#question;
    if (!question || bucket === 'MINUTE') return undefined;
    const now = this.#now;
    if (!bounds) return countByTime(this.#db, question, { level: bucket === 'DAY' ? 'day' : 'hour', now });
    return bucket === 'DAY' ? countByLocalDay(this.#db, question, { bounds, now }) : undefined;
  }

  #pointOf(start: number, tally: Counts | undefined): TimelinePoint {
    if (!tally) return { start, count: 0, bySeverity: [] };
    const severities = this.#question?.severities ?? SEVERITIES;
    const bySeverity = ranked(severities.map((value) => ({ value, count: tally[`severity_${value}`] })));
    return { start, count: this.#wanted(tally), bySeverity };
  }

  #tallyTypes(): Promise<KeyedCounts<string>[] | undefined> {
    this.#types ??= this.#question
      ? countByType(this.#db, this.#question, this.#now)
      : Promise.resolve(undefined);
    return this.#types;
  }

  #wanted(tally: Counts): number {
    const { outcomes, severities } = this.#question ?? {};
    if (outcomes) return outcomes.reduce((total, outcome) => total + tally[`outcome_${outcome}`], 0);
    if (severities) return severities.reduce((total, severity) => total + tally[`severity_${severity}`], 0);
    return tally.total;
  }
}

function sum(tallies: readonly Counts[], column: keyof Counts): number {
  return tallies.reduce((total, tally) => total + tally[column], 0);
}

function ranked<T extends string>(counts: Count<T>[]): Count<T>[] {
  return counts
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}
