import type { CountedFinding } from '../../integrity/verify/findings.ts';
import { harmless } from './outcome.ts';

/** What people read about findings, a line for each. */
export function linesOf(findings: readonly CountedFinding[]): string[] {
  return ['The evidence does not hold:', ...findings.map(lineOf)];
}

function lineOf({ kind, position, message, treeSize, count }: CountedFinding): string {
  const where = position === undefined ? '' : `position ${position}: `;
  const which = treeSize === undefined ? '' : ` (of ${treeSize} leaves)`;
  const more = count > 1 ? `; ${count} of this kind` : '';
  return `  [${kind}] ${where}${harmless(message)}${which}${more}`;
}
