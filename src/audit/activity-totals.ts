import { SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import { formatTime } from '../events/time.ts';
import type { EventInput } from '../events/validate.ts';
import type { Caller } from '../log/append/record.ts';

/**
 * What of the use of the log becomes events in it, as far as the deployment decides: plain reads, subscriptions that are
 * opened, exports and their downloads, failed authentication and what keys were not allowed to do, and starts, stops and
 * changed settings. Changes of keys, purges and alarms always do.
 */
export const META_KINDS = ['reads', 'subscriptions', 'exports', 'failures', 'lifecycle'] as const;
export type MetaKind = (typeof META_KINDS)[number];

/** Who did it, and for which customer alone that principal may ask. */
export interface AuditedActor extends Caller {
  boundTo?: string | undefined;
}

/** What somebody did in a while. Times are milliseconds since 1970. */
export interface ActivityTotal {
  /** Undefined: the sum of all for whom there was no room. */
  doer: AuditedActor | undefined;
  /** How often, by what it was. */
  times: Map<string, number>;
  /** How many events that were. */
  events: number;
  first: number;
  last: number;
}

/** Something that somebody did. */
export interface Activity {
  what: string;
  /** How many events the answer holds. */
  events?: number | undefined;
}

/**
 * What was done since it was emptied, one sum for each principal, address and customer. Of more than `most` of them the
 * rest is summed up together: so memory and writes have a bound, and no count is lost. What is done is named from a short
 * list, never by a client.
 */
export class ActivityTotals {
  readonly #most: number;
  #sums = new Map<string, ActivityTotal>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts what was done. */
  add(doer: AuditedActor, { what, events = 0 }: Activity, now: number): void {
    const sum = this.#sumOf(doer, now);
    sum.times.set(what, (sum.times.get(what) ?? 0) + 1);
    sum.events += events;
    sum.last = now;
  }

  /** Empties it. */
  take(): ActivityTotal[] {
    const sums = [...this.#sums.values()];
    this.#sums = new Map();
    return sums;
  }

  /** Adds to what has come in since what was taken and could not be kept. */
  putBack(sums: readonly ActivityTotal[]): void {
    for (const { doer, times, events, first, last } of sums) {
      const sum = this.#sumOf(doer, first);
      for (const [what, count] of times) sum.times.set(what, (sum.times.get(what) ?? 0) + count);
      sum.events += events;
      sum.first = Math.min(sum.first, first);
      sum.last = Math.max(sum.last, last);
    }
  }

  #sumOf(doer: AuditedActor | undefined, now: number): ActivityTotal {
    const key = actorKey(doer);
    const known = this.#sums.get(key);
    if (known) return known;
    if (doer && this.#sums.size >= this.#most) return this.#sumOf(undefined, now);
    const sum = { doer, times: new Map(), events: 0, first: now, last: now };
    this.#sums.set(key, sum);
    return sum;
  }
}

function actorKey(doer: AuditedActor | undefined): string {
  return doer ? JSON.stringify([doer.userId, doer.ipAddress, doer.boundTo]) : '';
}

/** What is summed up before it becomes an event. */
export const ACTIVITY_KINDS = ['reads', 'subscriptions', 'denials', 'failures'] as const;
export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

const EVENT_FIELDS: Record<
  ActivityKind,
  Pick<EventInput, 'eventType' | 'action' | 'outcome' | 'severity'>
> = {
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
const NOUNS: Record<ActivityKind, string> = {
  reads: 'reads of the log',
  subscriptions: 'subscriptions opened',
  denials: 'operations denied',
  failures: 'failed authentications',
};

/** A sum as an event of the time when the first of it happened. */
export function eventOfTotal(
  summed: ActivityKind,
  { doer, times, events, first, last }: ActivityTotal,
): EventInput {
  const { boundTo, ...caller } = doer ?? {};
  const all = [...times.values()].reduce((sum, count) => sum + count, 0);
  const whose = doer ? '' : ', of all who were too many to be named';
  return {
    ...EVENT_FIELDS[summed],
    ...caller,
    timestamp: first,
    description: `${NOUNS[summed]}: ${all}${whose}`,
    resourceType: SYSTEM_RESOURCE_TYPE,
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
