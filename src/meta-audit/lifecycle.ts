import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AdminKey } from '../access/admin-key.ts';
import type { Pool } from '../db/pool.ts';
import type { EventInput } from '../events/input.ts';
import { KEY_RESOURCE_TYPE, OWN_RESOURCE_TYPE } from '../events/reserved.ts';
import { recordOwnEvents } from '../pipeline/own.ts';
import type { Pipeline } from '../pipeline/record.ts';
import { changesOf, fingerprintOf, readSettings, shownSettings, storeSettings } from './settings.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The start and the stop of an instance, as events in the log. */
export interface Lifecycle {
  /**
   * Records that it starts, what it did about the admin's key, and which settings are not those of the last start;
   * committed when this resolves, so before anybody is served. Throws UNAVAILABLE.
   */
  started(adminKey: AdminKey['change']): Promise<void>;
  /** Records that it has stopped, if it has started, and has that signed too. Throws UNAVAILABLE. */
  stopped(): Promise<void>;
}

/** What it stands on. */
export interface LifecycleOptions {
  /** Of the owner: the service's own role may not change what was stored of the last start. */
  owner: Pool;
  pipeline: Pipeline;
  /** Whether starts, stops and changed settings become events. */
  isRecorded: boolean;
  settings: Readonly<Record<string, unknown>>;
  /** Brings what was recorded into a signed checkpoint. */
  sign: () => Promise<void>;
}

/** Makes it, for one start and one stop. */
export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { owner, pipeline, isRecorded, sign } = options;
  const instance = randomUUID();
  const startedAt = performance.now();
  let isRunning = false;

  return {
    async started(adminKey) {
      const settings = shownSettings(options.settings);
      const start = startOf(instance, fingerprintOf(settings));
      const before = await readSettings(owner);
      const change = before && changeOf(before, settings, isRecorded);
      const key = adminKey && aboutAdminKey(adminKey);
      const wanted = isRecorded ? [start, key] : [];
      await recordOwnEvents(
        pipeline,
        [...wanted, change].filter((event) => event !== undefined),
      );
      isRunning = true;
      await storeSettings(owner, settings);
    },
    async stopped() {
      if (!isRecorded || !isRunning) return;
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      await recordOwnEvents(pipeline, [stopOf(instance, seconds)]);
      await sign();
    },
  };
}

function startOf(instance: string, settings: string): EventInput {
  return {
    eventType: 'system.startup',
    action: 'service.start',
    description: `the service starts: version ${version}`,
    resourceType: OWN_RESOURCE_TYPE,
    details: { instance, host: hostname(), version, node: process.version, settings },
  };
}

function aboutAdminKey(change: NonNullable<AdminKey['change']>): EventInput {
  return {
    eventType: 'authz.permission_granted',
    // Whoever watches for alerts sees that another secret opens the log; that there is a first one alarms nobody.
    severity: change === 'made' ? 'info' : 'warning',
    action: 'api_key.create',
    description: `the admin's API key was ${change}`,
    resourceType: KEY_RESOURCE_TYPE,
    resourceId: 'admin',
    details: { name: 'admin', scopes: ['admin'] },
  };
}

function stopOf(instance: string, seconds: number): EventInput {
  return {
    eventType: 'system.shutdown',
    action: 'service.stop',
    description: `the service stops after ${seconds} seconds`,
    resourceType: OWN_RESOURCE_TYPE,
    details: { instance, host: hostname(), seconds },
  };
}

// That nothing more is recorded from now on is recorded in any case.
function changeOf(
  before: Parameters<typeof changesOf>[0],
  after: Parameters<typeof changesOf>[1],
  isRecorded: boolean,
): EventInput | undefined {
  const changes = changesOf(before, after);
  if (!changes || !(isRecorded || 'META_AUDIT' in changes.newValues)) return undefined;
  const names = Object.keys(changes.newValues);
  return {
    eventType: 'config.changed',
    severity: 'warning',
    action: 'service.configure',
    description: `settings that differ from those of the last start: ${names.join(', ')}`,
    resourceType: OWN_RESOURCE_TYPE,
    ...changes,
  };
}
