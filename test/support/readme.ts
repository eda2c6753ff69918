import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The code blocks of the README in a language, in order. */
export function blocksOf(language: 'sh' | 'graphql'): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(
    ([, text]) => text as string,
  );
}

/** The commands that the README tells to run, in order, without their comments. */
export function commandsOf(): string[] {
  return blocksOf('sh').flatMap((block) =>
    block.startsWith('curl')
      ? [block.trim()]
      : block
          .split('\n')
          .map((line) => line.replace(/\s+#.*$/, '').trim())
          .filter((line) => line !== ''),
  );
}
