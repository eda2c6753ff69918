import { type Outcome, type Severity, severitiesFrom } from '../../events/catalog.ts';
import type { EventFilter } from '../../events/filter.ts';
import type { Period } from './cover.ts';

/** What the counts can be asked: the events of a scope in a period, narrowed by type and by outcome or severity. */
export interface Question {
  customerId: string | undefined;
  period: Period;
  eventTypes: string[] | undefined;
  categories: string[] | undefined;
  outcomes: Outcome[] | undefined;
  severities: Severity[] | undefined;
}

// What else a filter names the counts know nothing about.
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

/** The question that the filters together ask; undefined when the counts cannot answer it. */
export function questionOf(filters: readonly EventFilter[]): Question | undefined {
  const names = filters.flatMap((filter) => Object.keys(filter) as (keyof EventFilter)[]);
  if (names.some((name) => !ANSWERED.includes(name))) return undefined;
  const customers = new Set(filters.flatMap(({ customerId }) => customerId ?? []));
  // Of two customers there is no event; that is not worth a case of its own here.
  if (customers.size > 1) return undefined;
  const question: Question = {
    customerId: [...customers][0],
    period: {
      start: Math.max(...filters.map(({ startTime = Number.NEGATIVE_INFINITY }) => startTime)),
      end: Math.min(...filters.map(({ endTime = Number.POSITIVE_INFINITY }) => endTime)) + 1,
    },
    eventTypes: common(filters.map(({ eventTypes }) => eventTypes)),
    categories: common(filters.map(({ categories }) => categories)),
    outcomes: common(filters.map(({ outcomes }) => outcomes)),
    severities: common(
      filters.flatMap(({ severities, minSeverity }) => [
        severities,
        minSeverity && severitiesFrom(minSeverity),
      ]),
    ),
  };
  return question.outcomes && question.severities ? undefined : question;
}

/** The distinct values that are in every list; undefined when there is no list. */
function common<T>(lists: readonly (T[] | undefined)[]): T[] | undefined {
  const [first, ...others] = lists.filter((list) => list !== undefined);
  return first && [...new Set(first)].filter((value) => others.every((list) => list.includes(value)));
}
