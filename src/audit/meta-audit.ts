import { setTimeout as delay } from 'node:timers/promises';
import type { Authenticate } from '../auth/authenticate.ts';
import type { AdminKey } from '../auth/manage-keys.ts';
import { callerOf, type RequestContext } from '../auth/principal.ts';
import type { Pool } from '../db/pool.ts';
import type { Queryable } from '../db/queries.ts';
import { AuditError, type ErrorCode } from '../errors.ts';
import { SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import type { EventInput } from '../events/validate.ts';
import {
  type Caller,
  type Peer,
  type Pipeline,
  recordSystemEvent,
  recordSystemEvents,
} from '../log/append/record.ts';
import {
  ACTIVITY_KINDS,
  type Activity,
  type ActivityKind,
  type ActivityTotal,
  ActivityTotals,
  type AuditedActor,
  eventOfTotal,
  type MetaKind,
} from './activity-totals.ts';
import { createLifecycle } from './lifecycle.ts';

/** Principals and addresses that get an event of their own, for each interval. Addresses that fail cost nothing to make. */
const MAX_ACTORS: Record<ActivityKind, number> = {
  reads: 1_000,
  subscriptions: 1_000,
  denials: 100,
  failures: 100,
};

/**
 * What is noticed of the use of the log itself. The calls that return nothing wait for nobody: what they say is summed
 * up for each principal and address, and recorded when the interval is over. Nothing here reads the log, and what it records
 * bypasses this recorder, so it cannot recurse.
 */
export interface MetaAudit {
  /** A principal was given an answer from the log. */
  read(context: RequestContext, deed: Activity): void;
  /** A principal has opened a subscription. */
  subscribed(context: RequestContext, deed: Activity): void;
  /** A principal asked for what is not allowed to it. */
  denied(context: RequestContext, deed: Activity): void;
  /** Somebody could not say who it is. */
  failed(peer: Peer, deed: Activity): void;
  /** A principal gets events in a file: committed when this resolves, so it comes before the answer. Throws UNAVAILABLE. */
  exported(caller: Caller, event: Pick<EventInput, 'action' | 'description' | 'details'>): Promise<void>;
  /**
   * Records that the instance starts, what it did about the admin's key, and which settings are not those of the last
   * start: committed when this resolves, before anybody is served. Throws UNAVAILABLE.
   */
  started(adminKey: AdminKey['change']): Promise<void>;
  /** Records what was summed up and not recorded yet, and last that the instance has stopped. */
  close(): Promise<void>;
}

/** The settings of the service: all of them are looked at, two say what becomes an event. */
export interface MetaAuditSettings {
  META_AUDIT: readonly MetaKind[];
  /** Time over which is summed up: what a crash can lose of it. */
  META_AUDIT_INTERVAL_MS: number;
}

/** What it stands on. */
export interface MetaAuditOptions {
  /** As the owner of the tables. */
  owner: Pool;
  pipeline: Pipeline;
  settings: MetaAuditSettings;
  /** Brings what was recorded into a signed checkpoint. */
  sign: () => Promise<void>;
  onError: (error: Error) => void;
}

/** Makes the noticing of an instance. What cannot be recorded is summed up with what comes next. */
export function createMetaAudit(options: MetaAuditOptions): MetaAudit {
  const { owner, pipeline, settings, sign, onError } = options;
  const { META_AUDIT: kinds, META_AUDIT_INTERVAL_MS: intervalMs } = settings;
  const lifecycle = createLifecycle({
    owner,
    pipeline,
    isRecorded: kinds.includes('lifecycle'),
    settings: { ...settings },
    sign,
  });
  const tallies = new Map(ACTIVITY_KINDS.map((summed) => [summed, new ActivityTotals(MAX_ACTORS[summed])]));
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;

  function add(summed: ActivityKind, doer: AuditedActor, deed: Activity): void {
    const kind = summed === 'denials' ? 'failures' : summed;
    if (kinds.includes(kind)) tallies.get(summed)?.add(doer, deed, pipeline.now());
  }

  async function flush(): Promise<void> {
    const taken: [ActivityTotals, ActivityTotal[]][] = [];
    const events: EventInput[] = [];
    for (const [summed, tally] of tallies) {
      const sums = tally.take();
      taken.push([tally, sums]);
      events.push(...sums.map((sum) => eventOfTotal(summed, sum)));
    }
    try {
      await recordSystemEvents(pipeline, events);
    } catch (error) {
      for (const [tally, sums] of taken) tally.putBack(sums);
      onError(error as Error);
    }
  }

  // On the minute, so that an event is about a minute of the clock.
  function schedule(): void {
    timer = setTimeout(
      () => {
        running = flush().finally(schedule);
      },
      intervalMs - (Date.now() % intervalMs),
    ).unref();
  }

  schedule();
  return {
    read: (context, deed) => add('reads', actorOf(context), deed),
    subscribed: (context, deed) => add('subscriptions', actorOf(context), deed),
    denied: (context, deed) => add('denials', actorOf(context), deed),
    failed: (peer, deed) => add('failures', peer, deed),
    async exported(caller, event) {
      if (!kinds.includes('exports')) return;
      await recordSystemEvent(pipeline, caller, {
        eventType: 'data.export',
        resourceType: SYSTEM_RESOURCE_TYPE,
        ...event,
      });
    },
    started: lifecycle.started,
    async close() {
      await running;
      clearTimeout(timer);
      if (!(await isAnswering(owner))) return onError(new Error('the last events about the log are lost'));
      await flush();
      await lifecycle.stopped().catch(onError);
    },
  };
}

function actorOf(context: RequestContext): AuditedActor {
  return { ...callerOf(context), boundTo: context.principal.customerId };
}

/** The same authentication, whose failures are noticed: `missing`, `refused`, or `limited` after too many. */
export function auditFailures(authenticate: Authenticate, { failed }: MetaAudit): Authenticate {
  return async (authorization, peer = {}) => {
    try {
      return await authenticate(authorization, peer);
    } catch (error) {
      const what = error instanceof AuditError && FAILURE_OPERATIONS[error.code];
      if (what) failed(peer, { what: authorization ? what : 'missing' });
      throw error;
    }
  };
}

const FAILURE_OPERATIONS: Partial<Record<ErrorCode, string>> = {
  UNAUTHENTICATED: 'refused',
  RATE_LIMITED: 'limited',
};

const ANSWER_MS = 2_000;

/** Whether the database answers soon: a service that stops waits for no database that is gone. */
export async function isAnswering(db: Queryable): Promise<boolean> {
  const late = new AbortController();
  const answer = db.query('SELECT 1').then(
    () => true,
    () => false,
  );
  const silence = delay(ANSWER_MS, false, { signal: late.signal, ref: false }).catch(() => false);
  try {
    return await Promise.race([answer, silence]);
  } finally {
    late.abort();
  }
}
