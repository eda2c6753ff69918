/** One line of the table: a value, what it is compared with, and the ratio that is wanted. */
export interface Entry {
  name: string;
  /** What the value and the reference are, with their unit. */
  unit: string;
  /** What the reference is. */
  against: string;
  value: number;
  reference: number;
  ratio: number;
  goal: number;
  /** Whether the ratio is to be `goal` or more, or at most `goal`. */
  wants: 'at least' | 'at most';
  met: boolean;
}

/** Makes an entry: `ratio` is value by reference. */
export function entry(given: Omit<Entry, 'ratio' | 'met'>): Entry {
  const ratio = given.value / given.reference;
  return { ...given, ratio, met: given.wants === 'at least' ? ratio >= given.goal : ratio <= given.goal };
}

/** The entries as a table for people. */
export function tableOf(entries: readonly Entry[]): string {
  const head = ['name', 'value', 'reference', 'ratio', 'goal', 'met', 'unit, and what it is compared with'];
  const rows = entries.map((one) => [
    one.name,
    shown(one.value),
    shown(one.reference),
    shown(one.ratio),
    `${one.wants === 'at least' ? '>=' : '<='} ${one.goal}`,
    one.met ? 'yes' : 'NO',
    `${one.unit}, against ${one.against}`,
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The entries for programs: `{ name: { value, reference, ratio, goal, met } }`. */
export function jsonOf(entries: readonly Entry[]): string {
  const named = entries.map(({ name, value, reference, ratio, goal, met }) => [
    name,
    { value, reference, ratio, goal, met },
  ]);
  return JSON.stringify(Object.fromEntries(named), null, 2);
}

function shown(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
