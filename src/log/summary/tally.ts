import { OUTCOMES, type Outcome, SEVERITIES, type Severity } from '../../events/catalog.ts';

/** The columns of `summary_counts` that count, each with the condition of the events that it counts. */
const TALLIES: readonly { column: keyof Tally; condition: string }[] = [
  { column: 'total', condition: 'true' },
  ...OUTCOMES.map((outcome) => ({
    column: `outcome_${outcome}` as const,
    condition: `outcome = '${outcome}'`,
  })),
  ...SEVERITIES.map((severity) => ({
    column: `severity_${severity}` as const,
    condition: `severity = '${severity}'`,
  })),
];

/** A row of the columns. */
export type Tally = Record<`outcome_${Outcome}` | `severity_${Severity}` | 'total', number>;

/** The columns. */
export const TALLY_COLUMNS = TALLIES.map(({ column }) => column);

/** Counts events into the columns, each `factor` times. */
export function tallyEvents(factor = 1): string {
  return TALLIES.map(
    ({ column, condition }) => `${factor} * count(*) FILTER (WHERE ${condition}) AS ${column}`,
  ).join(', ');
}

/** Adds up rows of the columns. */
export const SUM_TALLIES = TALLY_COLUMNS.map((column) => `sum(${column})::bigint AS ${column}`).join(', ');
