import { SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import { formatTime } from '../events/time.ts';
import type { EventInput } from '../events/validate.ts';
import type { Caller } from '../log/append/record.ts';

/**
 * The kinds of meta-audit events that a deployment can choose: plain reads; opened subscriptions; exports and their
 * downloads; failed authentications and denied operations; starts, stops and changed settings. Changes of keys, purges
 * and alarms are always recorded.
 */
export const META_KINDS = ['reads', 'subscriptions', 'exports', 'failures', 'lifecycle'] as const;
export type MetaKind = (typeof META_KINDS)[number];

/** The actor of an activity. `boundTo` is the customer that its principal is bound to. */
export interface AuditedActor extends Caller {
  boundTo?: string | undefined;
}

/** The activities of one actor in an interval. Times are milliseconds since 1970. */
export interface ActivityTotal {
  /** Undefined: the total of all actors beyond the limit. */
  actor: AuditedActor | undefined;
  /** The number of activities, by operation. */
  times: Map<string, number>;
  /** The number of events that were read. */
  events: number;
  first: number;
  last: number;
}

/** One activity. `what` names the operation: it comes from a fixed list, never from a client. */
export interface Activity {
  what: string;
  /** The number of events in the response. */
  events?: number | undefined;
}

/**
 * Counts activities: one total for each principal, address and customer, and one total for all actors beyond the first
 * `most`. So memory and writes are bounded, and no activity goes uncounted.
 */
export class ActivityTotals {
  readonly #most: number;
  #totals = new Map<string, ActivityTotal>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts an activity. */
  add(actor: AuditedActor, { what, events = 0 }: Activity, now: number): void {
    const total = this.#totalOf(actor, now);
    total.times.set(what, (total.times.get(what) ?? 0) + 1);
    total.events += events;
    total.last = now;
  }

  /** Returns all totals and removes them. */
  take(): ActivityTotal[] {
    const totals = [...this.#totals.values()];
    this.#totals = new Map();
    return totals;
  }

  /** Adds totals that were taken and could not be recorded. */
  putBack(totals: readonly ActivityTotal[]): void {
    for (const { actor, times, events, first, last } of totals) {
      const total = this.#totalOf(actor, first);
      for (const [what, count] of times) total.times.set(what, (total.times.get(what) ?? 0) + count);
      total.events += events;
      total.first = Math.min(total.first, first);
      total.last = Math.max(total.last, last);
    }
  }

  #totalOf(actor: AuditedActor | undefined, now: number): ActivityTotal {
    const key = actorKey(actor);
    const known = this.#totals.get(key);
    if (known) return known;
    if (actor && this.#totals.size >= this.#most) return this.#totalOf(undefined, now);
    const total = { actor, times: new Map(), events: 0, first: now, last: now };
    this.#totals.set(key, total);
    return total;
  }
}

function actorKey(actor: AuditedActor | undefined): string {
  return actor ? JSON.stringify([actor.userId, actor.ipAddress, actor.boundTo]) : '';
}

/** The kinds of activities that are counted and become events. */
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

/** The event of a total. Its time is that of the first activity. */
export function eventOfTotal(
  kind: ActivityKind,
  { actor, times, events, first, last }: ActivityTotal,
): EventInput {
  const { boundTo, ...caller } = actor ?? {};
  const all = [...times.values()].reduce((sum, count) => sum + count, 0);
  const others = actor ? '' : ', of other callers, who were too many to be named';
  return {
    ...EVENT_FIELDS[kind],
    ...caller,
    timestamp: first,
    description: `${NOUNS[kind]}: ${all}${others}`,
    resourceType: SYSTEM_RESOURCE_TYPE,
    details: {
      // A list of names and counts: a member name such as `apiKeys` would have its value redacted.
      operations: [...times].map(([name, count]) => ({ name, count })),
      ...(kind === 'reads' ? { events } : {}),
      from: formatTime(first),
      to: formatTime(last),
      ...(boundTo === undefined ? {} : { customerId: boundTo }),
      ...(actor ? {} : { others: true }),
    },
  };
}
