import type { MeaningName } from './meanings.ts';

/**
 * What the published names of a source mean. `rules` are patterns, in which `*` stands for any characters (none, or
 * dots too); `names` are whole names: the exceptions. Both are lists with blanks or line breaks between. The order of
 * a table means nothing: a whole name decides before a pattern, and of several patterns the one with the most
 * characters besides `*`. Patterns that are equally particular and disagree decide nothing.
 */
export type CatalogueTable = { [Name in MeaningName]?: { rules?: string; names?: string } };

export interface Catalogue {
  /** What `name` means, and what decided it; undefined: no name and no rule of the table fits. */
  find(name: string): { meaning: MeaningName; by: 'name' | 'rule'; pattern: string } | undefined;
  /** Every entry of the table, to be checked. */
  entries: readonly { meaning: MeaningName; by: 'name' | 'rule'; pattern: string }[];
}

interface Rule {
  meaning: MeaningName;
  by: 'rule';
  pattern: string;
  literal: number;
  fits(name: string): boolean;
}

/** Longer names are nobody's; this also bounds what a hostile name costs to match. */
const MAX_NAME = 200;
const MAX_DECIDED = 10_000;

export function createCatalogue(table: CatalogueTable): Catalogue {
  const names = new Map<string, { meaning: MeaningName; by: 'name'; pattern: string }>();
  const rules: Rule[] = [];
  for (const [key, lists] of Object.entries(table)) {
    const meaning = key as MeaningName;
    for (const pattern of wordsOf(lists.names)) names.set(pattern, { meaning, by: 'name', pattern });
    for (const pattern of wordsOf(lists.rules)) rules.push(ruleOf(meaning, pattern));
  }
  rules.sort((one, other) => other.literal - one.literal);
  const decided = new Map<string, Rule | undefined>();
  const find = (name: string) => {
    if (name.length > MAX_NAME) return undefined;
    const known = names.get(name);
    if (known !== undefined) return known;
    // A log has few different names: each is matched with the rules once.
    if (decided.has(name)) return decided.get(name);
    if (decided.size >= MAX_DECIDED) decided.clear();
    const rule = decidingRule(rules, name);
    decided.set(name, rule);
    return rule;
  };
  return { find, entries: [...names.values(), ...rules] };
}

function decidingRule(rules: readonly Rule[], name: string): Rule | undefined {
  const best = rules.find((rule) => rule.fits(name));
  if (best === undefined) return undefined;
  const disagrees = rules.some(
    (rule) => rule.literal === best.literal && rule.meaning !== best.meaning && rule.fits(name),
  );
  return disagrees ? undefined : best;
}

function wordsOf(list: string | undefined): string[] {
  return list?.split(/\s+/).filter((word) => word !== '') ?? [];
}

function ruleOf(meaning: MeaningName, pattern: string): Rule {
  const literal = pattern.replaceAll('*', '').length;
  return { meaning, by: 'rule', pattern, literal, fits: matcherOf(pattern.split('*')) };
}

/** Whether a name consists of these parts with anything between them; without backtracking. */
function matcherOf(parts: readonly string[]): (name: string) => boolean {
  const [first = '', ...middle] = parts;
  const last = middle.pop() ?? '';
  return (name) => {
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    let position = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, position);
      if (found < 0) return false;
      position = found + part.length;
    }
    return position + last.length <= name.length;
  };
}
