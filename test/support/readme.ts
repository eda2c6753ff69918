import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The code blocks of the README, or of another document, in a language, in order. */
export function blocksOf(language: 'sh' | 'graphql' | 'ts', document = README): string[] {
  return [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(
    ([, text]) => text as string,
  );
}

/** The commands that the README tells to run, in order, without their comments. */
export function commandsOf(): string[] {
  return blocksOf('sh').flatMap((block) =>
    // A command goes on where its line ends with a backslash, or within single quotes.
    [...block.matchAll(/(?:'[^']*'|\\\n|[^'\n])+/g)].map(([command]) =>
      command.replace(/\s+#.*$/, '').trim(),
    ),
  );
}
