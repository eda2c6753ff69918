import type { EventInput } from '../events/input.ts';
import { OWN_RESOURCE_TYPE } from '../events/reserved.ts';
import { formatTime } from '../events/time.ts';
import type { Sum } from './tally.ts';

/** What is summed up before it becomes an event. */
export const SUMMED = ['reads', 'subscriptions', 'denials', 'failures'] as const;
export type Summed = (typeof SUMMED)[number];

const KINDS: Record<Summed, Pick<EventInput, 'eventType' | 'action' | 'outcome' | 'severity'>> = {
  reads: { eventType: 'data.read', action: 'log.read', severity: 'info' },
  subscriptions: { eventType: 'data.read', action: 'log.subscribe', severity: 'info' },
  denials: {
    eventType: 'authz.permission_denied',
    action: 'log.deny',
    outcome: 'denied',
    severity: 'warning',
  },
  failures: {
    eventType: 'auth.login_failed',
    action: 'log.authenticate',
    outcome: 'failure',
    severity: 'warning',
  },
};
const NOUNS: Record<Summed, string> = {
  reads: 'reads of the log',
  subscriptions: 'subscriptions opened',
  denials: 'operations denied',
  failures: 'failed authentications',
};

/** A sum as an event of the time when the first of it happened. */
export function eventOf(summed: Summed, { doer, times, events, first, last }: Sum): EventInput {
  const { boundTo, ...caller } = doer ?? {};
  const all = [...times.values()].reduce((sum, count) => sum + count, 0);
  const whose = doer ? '' : ', of all who were too many to be named';
  return {
    ...KINDS[summed],
    ...caller,
    timestamp: first,
    description: `${NOUNS[summed]}: ${all}${whose}`,
    resourceType: OWN_RESOURCE_TYPE,
    details: {
      // Named by values: a name such as `apiKeys` would have its value redacted.
      operations: [...times].map(([name, count]) => ({ name, count })),
      ...(summed === 'reads' ? { events } : {}),
      from: formatTime(first),
      to: formatTime(last),
      ...(boundTo === undefined ? {} : { customerId: boundTo }),
      ...(doer ? {} : { others: true }),
    },
  };
}
