import { readFileSync } from 'node:fs';
import { CLOUDTRAIL_CALLS } from '../../src/import/cloudtrail-calls.ts';
import { GITHUB_ACTIONS } from '../../src/import/github-actions.ts';
import type { Catalogue } from '../../src/import/meanings.ts';
import { OKTA_TYPES } from '../../src/import/okta-event-types.ts';

// Prints how many published names each catalogue maps by a rule, by an exception (a whole name), and not at all.

const SOURCES: [file: string, catalogue: Catalogue][] = [
  ['okta', OKTA_TYPES],
  ['github', GITHUB_ACTIONS],
  ['cloudtrail', CLOUDTRAIL_CALLS],
];

const rows = SOURCES.map(([file, catalogue]) => {
  const text = readFileSync(new URL(`catalogues/${file}.tsv`, import.meta.url), 'utf8');
  const names = text
    .split('\n')
    .flatMap((line) => (line === '' || line.startsWith('#') ? [] : [line.split('\t')[0] ?? '']));
  const counts = { published: names.length, rule: 0, name: 0, unmapped: 0 };
  for (const name of names) counts[catalogue.find(name)?.by ?? 'unmapped'] += 1;
  return [file, counts] as const;
});
console.table(Object.fromEntries(rows));
