import { expect } from 'vitest';
import type { Answer } from './service.ts';

const LOG_MANY = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
const BATCH = 500;

/** Records `count` warnings with actions from `prefix0` on, in batches, with more fields when given. */
export async function logWarnings(
  service: { ask: (text: string, variables: object) => Promise<Answer> },
  count: number,
  { prefix = 'a', more = {} }: { prefix?: string; more?: object } = {},
): Promise<void> {
  for (let start = 0; start < count; start += BATCH) {
    const input = Array.from({ length: Math.min(BATCH, count - start) }, (_, n) => ({
      eventType: 'SECURITY_ALERT',
      severity: 'WARNING',
      action: `${prefix}${start + n}`,
      ...more,
    }));
    expect(await service.ask(LOG_MANY, { input })).toEqual({
      data: { logEvents: { recorded: input.length } },
    });
  }
}

/** 0, 1, 2 and so on. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
