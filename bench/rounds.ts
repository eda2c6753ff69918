import { median } from './load.ts';

/**
 * Runs every contender once in each round, in turn, so that what changes on the machine meets all of them alike. One
 * that is left out has no results.
 */
export async function inTurn<Name extends string, Result>(
  rounds: number,
  contenders: Record<Name, (() => Promise<Result>) | undefined>,
  onRun: (name: Name, round: number) => void,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(contenders) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>;
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of names) {
      const contender = contenders[name];
      if (!contender) continue;
      onRun(name, round);
      results[name].push(await contender());
    }
  }
  return results;
}

/** The median of what `take` takes from the results of the rounds. */
export function medianOf<Result>(results: readonly Result[], take: (result: Result) => number): number {
  return median(results.map(take));
}
