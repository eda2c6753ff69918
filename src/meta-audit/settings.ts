import { createHash } from 'node:crypto';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { canonicalJson } from '../events/canonical.ts';
import type { JsonObject, JsonValue } from '../events/event.ts';
import { parseJson } from '../parse-json.ts';

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
