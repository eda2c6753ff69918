import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AdminKey } from '../auth/manage-keys.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { canonicalJson } from '../events/canonical.ts';
import type { JsonObject, JsonValue } from '../events/fields.ts';
import { KEY_RESOURCE_TYPE, SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import type { EventInput } from '../events/validate.ts';
import { type Pipeline, recordSystemEvents } from '../log/append/record.ts';
import { parseJson } from '../parse-json.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Records the start and the stop of an instance as events in the log. */
export interface Lifecycle {
  /**
   * Records the start, a change of the admin key, and the settings that differ from the last start. The events are
   * committed when this resolves, before the first request is served. Throws UNAVAILABLE.
   */
  started(adminKey: AdminKey['change']): Promise<void>;
  /** Records the stop of an instance that has started, and signs a checkpoint that covers the event. Throws UNAVAILABLE. */
  stopped(): Promise<void>;
}

/** Options of `createLifecycle`. */
export interface LifecycleOptions {
  /** Connects as the owner of the tables: the role of the service cannot change the stored settings. */
  owner: Pool;
  pipeline: Pipeline;
  /** Whether starts, stops and changed settings become events. */
  isRecorded: boolean;
  settings: Readonly<Record<string, unknown>>;
  /** Signs a checkpoint that covers the recorded events. */
  sign: () => Promise<void>;
}

/** Creates the lifecycle of one instance: one start and one stop. */
export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { owner, pipeline, isRecorded, sign } = options;
  const instance = randomUUID();
  const startedAt = performance.now();
  let isRunning = false;

  return {
    async started(adminKey) {
      const settings = shownSettings(options.settings);
      const start = startEvent(instance, fingerprintOf(settings));
      const before = await readSettings(owner);
      const change = before && settingsEvent(before, settings, isRecorded);
      const key = adminKey && adminKeyEvent(adminKey);
      const wanted = isRecorded ? [start, key] : [];
      await recordSystemEvents(
        pipeline,
        [...wanted, change].filter((event) => event !== undefined),
      );
      isRunning = true;
      await storeSettings(owner, settings);
    },
    async stopped() {
      if (!isRecorded || !isRunning) return;
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      await recordSystemEvents(pipeline, [stopEvent(instance, seconds)]);
      await sign();
    },
  };
}

function startEvent(instance: string, settings: string): EventInput {
  return {
    eventType: 'system.startup',
    action: 'service.start',
    description: `the service starts: version ${version}`,
    resourceType: SYSTEM_RESOURCE_TYPE,
    details: { instance, host: hostname(), version, node: process.version, settings },
  };
}

function adminKeyEvent(change: NonNullable<AdminKey['change']>): EventInput {
  return {
    eventType: 'authz.permission_granted',
    // A replaced secret gives access to the log, so that it must raise an alert. A first one must not.
    severity: change === 'made' ? 'info' : 'warning',
    action: 'api_key.create',
    description: `the admin's API key was ${change}`,
    resourceType: KEY_RESOURCE_TYPE,
    resourceId: 'admin',
    details: { name: 'admin', scopes: ['admin'] },
  };
}

function stopEvent(instance: string, seconds: number): EventInput {
  return {
    eventType: 'system.shutdown',
    action: 'service.stop',
    description: `the service stops after ${seconds} seconds`,
    resourceType: SYSTEM_RESOURCE_TYPE,
    details: { instance, host: hostname(), seconds },
  };
}

// A change of META_AUDIT is recorded even when lifecycle events are off: otherwise the switch itself would leave no
// trace.
function settingsEvent(
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
    resourceType: SYSTEM_RESOURCE_TYPE,
    ...changes,
  };
}

/** The names of settings that hold secrets: events show only that they are set. */
const SECRET = /(KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|CREDENTIALS?|HMAC|WEBHOOK)$/i;
/** Settings that may differ between the instances of one deployment. */
const OF_ONE_INSTANCE = new Set(['PORT']);
const SET = '(set)';
const MAX_TEXT = 500;
const MAX_DEPTH = 4;

/** The settings by name as they appear in events: without secrets and unset settings. */
export function shownSettings(settings: Readonly<Record<string, unknown>>): JsonObject {
  const names = Object.keys(settings).filter((name) => !OF_ONE_INSTANCE.has(name));
  return Object.fromEntries(
    names.sort().flatMap((name) => {
      const value = shown(name, settings[name], 0);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** A hash of the settings, in hex. */
export function fingerprintOf(settings: JsonObject): string {
  return createHash('sha256').update(canonicalJson(settings)).digest('hex').slice(0, 32);
}

/** The settings that differ, by name. Null stands for an unset setting. Undefined: none differs. */
export function changesOf(
  before: JsonObject,
  after: JsonObject,
): { oldValues: JsonObject; newValues: JsonObject } | undefined {
  const textOf = (value: JsonValue | undefined) => canonicalJson({ value: value ?? null });
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const changed = names.filter((name) => textOf(before[name]) !== textOf(after[name]));
  const valuesIn = (settings: JsonObject) =>
    Object.fromEntries(changed.map((name) => [name, settings[name] ?? null]));
  return changed.length === 0 ? undefined : { oldValues: valuesIn(before), newValues: valuesIn(after) };
}

/** The settings of the last start of any instance. Undefined before the first start. */
export async function readSettings(pool: Pool): Promise<JsonObject | undefined> {
  // As text: Prisma would parse it with `JSON.parse`.
  const [stored] = await prismaOn(pool).$queryRaw<{ settings: string }[]>`
    SELECT settings::text FROM service_settings`;
  return stored && (parseJson(stored.settings) as JsonObject);
}

/** Stores the settings of a start. Two instances may start at once. */
export async function storeSettings(pool: Pool, settings: JsonObject): Promise<void> {
  await prismaOn(pool).serviceSettings.upsert({
    where: { singleton: true },
    // With the key in `where` and `create`, Prisma sends one INSERT ... ON CONFLICT, which is safe for concurrent starts.
    create: { singleton: true, settings: settings as object },
    update: { settings: settings as object },
  });
}

function shown(name: string, value: unknown, depth: number): JsonValue | undefined {
  if (value === undefined || value === null || typeof value === 'function') return undefined;
  // Before the name: MAX_SUBSCRIPTIONS_PER_KEY is no secret.
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (SECRET.test(name) || depth > MAX_DEPTH) return SET;
  if (typeof value === 'string') return withoutSecrets(value);
  if (Array.isArray(value)) return value.map((one) => shown('', one, depth + 1) ?? null);
  if (Object.getPrototypeOf(value) !== Object.prototype) return SET;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => {
      const part = shown(key, one, depth + 1);
      return part === undefined ? [] : [[key, part]];
    }),
  );
}

// A URL may contain secrets as user and password, and in its query.
function withoutSecrets(text: string): string {
  if (!text.includes('://')) return text.slice(0, MAX_TEXT);
  if (!URL.canParse(text)) return SET;
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`.slice(0, MAX_TEXT);
}
