import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SEARCHED_FIELDS } from '../../src/events/fields.ts';

const DOCUMENT = readFileSync(new URL('../../docs/search.md', import.meta.url), 'utf8');
const INTRODUCTION = '`search` covers these fields; of an object, its names, texts and numbers:\n\n';
const LINE = 120;

// `npm run regenerate` writes it.
test('docs/search.md names the fields that are searched', async () => {
  const [before = '', after = ''] = DOCUMENT.split(INTRODUCTION);
  const rest = after.slice(after.indexOf('\n\n'));
  await expect(before + INTRODUCTION + listOf(SEARCHED_FIELDS) + rest).toMatchFileSnapshot(
    '../../docs/search.md',
  );
});

function listOf(names: readonly string[]): string {
  const lines = [''];
  names.forEach((name, index) => {
    const word = `\`${name}\`${index === names.length - 1 ? '' : ','}`;
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= LINE) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  });
  return lines.join('\n');
}
