import type { Authenticate } from '../auth/authenticate.ts';
import type { AdminKey } from '../auth/manage-keys.ts';
import { callerOf, type RequestContext } from '../auth/principal-and-scopes.ts';
import type { Pool } from '../db/pool.ts';
import type { Queryable } from '../db/queries.ts';
import { withDeadline } from '../deadline.ts';
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

/** Limit on the actors with an event of their own in an interval. Lower for failures, which need no valid key. */
const MAX_ACTORS: Record<ActivityKind, number> = {
  reads: 1_000,
  subscriptions: 1_000,
  denials: 100,
  failures: 100,
};

/**
 * Records the use of the log as events in the log. The synchronous methods only count: each total becomes an event at the
 * end of the interval. Recording its own events does not pass through it, so it cannot recurse.
 */
export interface MetaAudit {
  /** Counts a read of events. */
  read(context: RequestContext, activity: Activity): void;
  /** Counts an opened subscription. */
  subscribed(context: RequestContext, activity: Activity): void;
  /** Counts a denied operation. */
  denied(context: RequestContext, activity: Activity): void;
  /** Counts a failed authentication. */
  failed(peer: Peer, activity: Activity): void;
  /** Records an export. The event is committed when this resolves, before the response is sent. Throws UNAVAILABLE. */
  exported(caller: Caller, event: Pick<EventInput, 'action' | 'description' | 'details'>): Promise<void>;
  /**
   * Records the start of the instance, a change of the admin key, and the settings that differ from the last start. The
   * events are committed when this resolves, before the first request is served. Throws UNAVAILABLE.
   */
  started(adminKey: AdminKey['change']): Promise<void>;
  /** Records the totals that are not recorded yet, and then the stop of the instance. */
  close(): Promise<void>;
}

/** The settings of the service. A change of any of them is recorded; these two configure the meta-audit. */
export interface MetaAuditSettings {
  META_AUDIT: readonly MetaKind[];
  /** The interval of the totals. A crash loses the totals of the current interval. */
  META_AUDIT_INTERVAL_MS: number;
}

/** Options of `createMetaAudit`. */
export interface MetaAuditOptions {
  /** Connects as the owner of the tables. */
  owner: Pool;
  pipeline: Pipeline;
  settings: MetaAuditSettings;
  /** Signs a checkpoint that covers the recorded events. */
  sign: () => Promise<void>;
  onError: (error: Error) => void;
}

/** Creates the meta-audit of an instance. Totals that cannot be recorded are added to those of the next interval. */
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
  const recorder = new ActivityRecorder(pipeline, onError);
  const add = (kind: ActivityKind, actor: AuditedActor, activity: Activity) => {
    if (kinds.includes(kind === 'denials' ? 'failures' : kind)) recorder.add(kind, actor, activity);
  };
  let recording: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  // Aligned to the clock, so that an event covers for example one minute of the clock.
  function schedule(): void {
    const waitMs = intervalMs - (Date.now() % intervalMs);
    timer = setTimeout(() => {
      recording = recorder.record().finally(schedule);
    }, waitMs).unref();
  }

  schedule();
  return {
    read: (context, activity) => add('reads', actorOf(context), activity),
    subscribed: (context, activity) => add('subscriptions', actorOf(context), activity),
    denied: (context, activity) => add('denials', actorOf(context), activity),
    failed: (peer, activity) => add('failures', peer, activity),
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
      await recording;
      clearTimeout(timer);
      if (!(await isAnswering(owner)))
        return onError(
          new Error('the last events about the use of the log are lost: the database does not answer'),
        );
      await recorder.record();
      await lifecycle.stopped().catch(onError);
    },
  };
}

/** Counts activities and records their totals as events. */
class ActivityRecorder {
  readonly #pipeline: Pipeline;
  readonly #onError: (error: Error) => void;
  readonly #totals = new Map(ACTIVITY_KINDS.map((kind) => [kind, new ActivityTotals(MAX_ACTORS[kind])]));

  constructor(pipeline: Pipeline, onError: (error: Error) => void) {
    this.#pipeline = pipeline;
    this.#onError = onError;
  }

  add(kind: ActivityKind, actor: AuditedActor, activity: Activity): void {
    this.#totals.get(kind)?.add(actor, activity, this.#pipeline.now());
  }

  /** Resolves also when the events cannot be recorded: then their totals are added to those of the next interval. */
  async record(): Promise<void> {
    const taken: [ActivityTotals, ActivityTotal[]][] = [];
    const events: EventInput[] = [];
    for (const [kind, totals] of this.#totals) {
      const ended = totals.take();
      taken.push([totals, ended]);
      events.push(...ended.map((total) => eventOfTotal(kind, total)));
    }
    try {
      await recordSystemEvents(this.#pipeline, events);
    } catch (error) {
      for (const [totals, ended] of taken) totals.putBack(ended);
      this.#onError(error as Error);
    }
  }
}

function actorOf(context: RequestContext): AuditedActor {
  return { ...callerOf(context), boundTo: context.principal.customerId };
}

/** Wraps the authentication and counts its failures: `missing`, `refused`, or `limited` after too many of them. */
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

/** Whether the database answers within two seconds: the stop of the service must not wait for an unreachable database. */
export async function isAnswering(db: Queryable): Promise<boolean> {
  const answer = db.query('SELECT 1').then(
    () => true,
    () => false,
  );
  return withDeadline(answer, ANSWER_MS, () => false);
}
