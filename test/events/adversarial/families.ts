import { fork } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import type { Pattern } from './patterns-main.ts';

const SAMPLES = 1;
/** Alternatives of one pattern have families of their own up to so deep a nesting of groups. */
const MAX_SPLIT_DEPTH = 2;
const LONGEST_PART = 400;
const LONGEST_RUN = 8;

/** The regular expressions that the events' code runs, read from the running code. */
export async function patternsOf(): Promise<Pattern[]> {
  const child = fork(new URL('patterns-main.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
  const [patterns] = (await once(child, 'message')) as [Pattern[]];
  await once(child, 'exit');
  return patterns;
}

/**
 * Parts that make a pattern work when they are repeated: samples of what it matches, their beginnings, and a beginning
 * followed by a run of its last character.
 */
export function partsOf({ source, flags }: Pattern): string[] {
  const parts = new Set<string>();
  for (const alternative of alternativesOf(source, MAX_SPLIT_DEPTH)) {
    for (const sample of samplesOf(alternative, flags)) {
      const short = sample.slice(0, LONGEST_PART);
      for (let length = 1; length < short.length; length *= 2) {
        parts.add(short.slice(0, length));
      }
      parts.add(short.slice(0, -1));
      parts.add(short);
    }
  }
  return [...parts].filter((part) => part !== '');
}

/** Texts that `source` matches, without what stands around them. A pattern that cannot be turned round gives itself. */
function samplesOf(source: string, flags: string): string[] {
  try {
    const short = withShortRuns(withoutAssertions(source));
    const pattern = new RegExp(`^(?:${short})$`, flags.includes('u') ? 'u' : '');
    return fc.sample(fc.stringMatching(pattern), { numRuns: SAMPLES, seed: 7 });
  } catch {
    return [source];
  }
}

/** The same pattern, in which nothing is repeated much more often than it has to be: a sample of it takes a moment. */
function withShortRuns(source: string): string {
  // The sampler draws ASCII characters until one is none.
  const possible = source.replaceAll('[^\\0-\\x7f]', '[\\x80-\\xff]');
  return possible.replace(/\{(\d+),(\d*)\}/g, (_, least: string, most: string) => {
    const longest = Number(least) + LONGEST_RUN;
    return `{${least},${most === '' ? longest : Math.min(Number(most), longest)}}`;
  });
}

function withoutAssertions(source: string): string {
  let result = '';
  for (let at = 0; at < source.length; ) {
    const assertion = /\(\?<?[=!]/y;
    assertion.lastIndex = at;
    if (assertion.test(source)) {
      at = endOfGroup(source, at);
      continue;
    }
    const end = endOfAtom(source, at);
    const atom = source.slice(at, end);
    if (!['\\b', '\\B', '^', '$'].includes(atom)) result += atom;
    at = end;
  }
  // What is left of groups in which there were only assertions.
  return result.replace(/\((?:\?:)?\|*\)/g, '');
}

/** The alternatives of a pattern, also those of its first group, each as a pattern. */
function alternativesOf(source: string, depth: number): string[] {
  const branches = splitAt(source);
  if (branches.length > 1) return branches.flatMap((branch) => alternativesOf(branch, depth));
  if (depth === 0) return branches;
  for (let at = 0; at < source.length; at = endOfAtom(source, at)) {
    if (source[at] !== '(') continue;
    const end = endOfGroup(source, at);
    const open = /\((?:\?(?::|<\w+>))?/y;
    open.lastIndex = at;
    const head = open.exec(source)?.[0] ?? '(';
    if (/^\(\?<?[=!]/.test(source.slice(at))) {
      at = end;
      if (at >= source.length) break;
      at -= 1;
      continue;
    }
    const inner = splitAt(source.slice(at + head.length, end - 1));
    if (inner.length === 1) {
      at = end - 1;
      continue;
    }
    return inner.flatMap((branch) =>
      alternativesOf(`${source.slice(0, at)}(?:${branch})${source.slice(end)}`, depth - 1),
    );
  }
  return branches;
}

function splitAt(source: string): string[] {
  const branches: string[] = [];
  let start = 0;
  for (let at = 0; at < source.length; ) {
    if (source[at] === '|') {
      branches.push(source.slice(start, at));
      start = at + 1;
      at += 1;
    } else at = source[at] === '(' ? endOfGroup(source, at) : endOfAtom(source, at);
  }
  return [...branches, source.slice(start)];
}

function endOfGroup(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at = endOfAtom(source, at)) {
    if (source[at] === '(') depth += 1;
    else if (source[at] === ')') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return source.length;
}

/** Where the character, escape or class at an offset ends; a bracket of a group is one of its own. */
function endOfAtom(source: string, at: number): number {
  if (source[at] === '\\') return /^\\[pPu]\{/.test(source.slice(at)) ? source.indexOf('}', at) + 1 : at + 2;
  if (source[at] !== '[') return at + 1;
  let end = at + 1;
  while (end < source.length && source[end] !== ']') end += source[end] === '\\' ? 2 : 1;
  return end + 1;
}
