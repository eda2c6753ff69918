import type { AdminKey } from '../access/admin-key.ts';
import { type Asker, callerOf } from '../access/asker.ts';
import type { Pool } from '../db/pool.ts';
import type { EventInput } from '../events/input.ts';
import { OWN_RESOURCE_TYPE } from '../events/reserved.ts';
import { type Caller, type Peer, recordOwnEvent, recordOwnEvents } from '../pipeline/own.ts';
import type { Pipeline } from '../pipeline/record.ts';
import type { MetaKind } from './kinds.ts';
import { answers } from './last-words.ts';
import { createLifecycle } from './lifecycle.ts';
import { eventOf, SUMMED, type Summed } from './summed.ts';
import { type Deed, type Doer, type Sum, Tally } from './tally.ts';

/** Viewers and addresses that get an event of their own, for each interval. Addresses that fail cost nothing to make. */
const MOST: Record<Summed, number> = { reads: 1_000, subscriptions: 1_000, denials: 100, failures: 100 };

/**
 * What is noticed of the use of the log itself. The calls that return nothing wait for nobody: what they say is summed
 * up for each viewer and address, and recorded when the interval is over. Nothing here reads the log, and what it records
 * bypasses this recorder, so it cannot recurse.
 */
export interface MetaAudit {
  /** A viewer was given an answer from the log. */
  read(asker: Asker, deed: Deed): void;
  /** A viewer has opened a subscription. */
  subscribed(asker: Asker, deed: Deed): void;
  /** A viewer asked for what is not allowed to it. */
  denied(asker: Asker, deed: Deed): void;
  /** Somebody could not say who it is. */
  failed(peer: Peer, deed: Deed): void;
  /** A viewer gets events in a file: committed when this resolves, so it comes before the answer. Throws UNAVAILABLE. */
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
  const tallies = new Map(SUMMED.map((summed) => [summed, new Tally(MOST[summed])]));
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;

  function add(summed: Summed, doer: Doer, deed: Deed): void {
    const kind = summed === 'denials' ? 'failures' : summed;
    if (kinds.includes(kind)) tallies.get(summed)?.add(doer, deed, pipeline.now());
  }

  async function flush(): Promise<void> {
    const taken: [Tally, Sum[]][] = [];
    const events: EventInput[] = [];
    for (const [summed, tally] of tallies) {
      const sums = tally.take();
      taken.push([tally, sums]);
      events.push(...sums.map((sum) => eventOf(summed, sum)));
    }
    try {
      await recordOwnEvents(pipeline, events);
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
    read: (asker, deed) => add('reads', doerOf(asker), deed),
    subscribed: (asker, deed) => add('subscriptions', doerOf(asker), deed),
    denied: (asker, deed) => add('denials', doerOf(asker), deed),
    failed: (peer, deed) => add('failures', peer, deed),
    async exported(caller, event) {
      if (!kinds.includes('exports')) return;
      await recordOwnEvent(pipeline, caller, {
        eventType: 'data.export',
        resourceType: OWN_RESOURCE_TYPE,
        ...event,
      });
    },
    started: lifecycle.started,
    async close() {
      await running;
      clearTimeout(timer);
      if (!(await answers(owner))) return onError(new Error('the last events about the log are lost'));
      await flush();
      await lifecycle.stopped().catch(onError);
    },
  };
}

function doerOf(asker: Asker): Doer {
  return { ...callerOf(asker), boundTo: asker.viewer.customerId };
}
