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
    // Whoever watches for alerts sees that another secret opens the log; that there is a first one alarms nobody.
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

// That nothing more is recorded from now on is recorded in any case.
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

/** Values under such names are secrets, or hold some: of them is only shown that they are there. */
const SECRET = /(KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|CREDENTIALS?|HMAC|WEBHOOK)$/i;
/** Where an instance happens to be is nothing that was configured differently. */
const OF_ONE_INSTANCE = new Set(['PORT']);
const SET = '(set)';
const MAX_TEXT = 500;
const MAX_DEPTH = 4;

/** Settings by name, as they may be shown to whoever may read the log: without secrets, and without those not set. */
export function shownSettings(settings: Readonly<Record<string, unknown>>): JsonObject {
  const names = Object.keys(settings).filter((name) => !OF_ONE_INSTANCE.has(name));
  return Object.fromEntries(
    names.sort().flatMap((name) => {
      const value = shown(name, settings[name], 0);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Stands for the settings, in hex. */
export function fingerprintOf(settings: JsonObject): string {
  return createHash('sha256').update(canonicalJson(settings)).digest('hex').slice(0, 32);
}

/** What differs, by name; null: it is not set there. Undefined: nothing does. */
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

/** The settings of the last start, of whatever instance; undefined before the first. */
export async function readSettings(pool: Pool): Promise<JsonObject | undefined> {
  // As text: Prisma would parse it with `JSON.parse`.
  const [stored] = await prismaOn(pool).$queryRaw<{ settings: string }[]>`
    SELECT settings::text FROM service_settings`;
  return stored && (parseJson(stored.settings) as JsonObject);
}

/** Stores those of a start; two instances may start at once. */
export async function storeSettings(pool: Pool, settings: JsonObject): Promise<void> {
  await prismaOn(pool).serviceSettings.upsert({
    where: { singleton: true },
    // With the key named in both, Prisma makes it one INSERT ... ON CONFLICT, which two may do at once.
    create: { singleton: true, settings: settings as object },
    update: { settings: settings as object },
  });
}

function shown(name: string, value: unknown, depth: number): JsonValue | undefined {
  if (value === undefined || value === null || typeof value === 'function') return undefined;
  if (SECRET.test(name) || depth > MAX_DEPTH) return SET;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
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

// A URL may carry a user and a password before its host, and others behind its question mark.
function withoutSecrets(text: string): string {
  if (!text.includes('://')) return text.slice(0, MAX_TEXT);
  if (!URL.canParse(text)) return SET;
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`.slice(0, MAX_TEXT);
}
