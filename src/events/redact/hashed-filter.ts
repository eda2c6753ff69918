import type { JsonObject, JsonValue } from '../event.ts';
import { type EventFilter, OBJECT_FIELDS } from '../filter.ts';
import type { FieldRules, PathRules } from './fields.ts';

type Hash = (value: JsonValue) => string;

const FIELDS = ['userId', 'sessionId', 'requestId', 'resourceType', 'resourceId', 'action'] as const;

/** The filter with its values hashed where those of events are. Other secrets in it stay, and find nothing. */
export function hashedFilter(filter: EventFilter, rules: FieldRules, hash: Hash): EventFilter {
  const copy = { ...filter };
  for (const field of FIELDS) {
    const text = filter[field];
    if (text && rules.texts.get(field) === 'hash') copy[field] = hash(text);
  }
  for (const field of OBJECT_FIELDS) {
    const object = filter[field];
    if (object) copy[field] = hashedMembers(object, rules.objects[field], hash);
  }
  return copy;
}

function hashedMembers(object: JsonObject, paths: PathRules, hash: Hash): JsonObject {
  const entries = Object.entries(object);
  return Object.fromEntries(entries.map(([key, value]) => [key, hashedValue(value, paths.below(key), hash)]));
}

function hashedValue(value: JsonValue, paths: PathRules | undefined, hash: Hash): JsonValue {
  if (!paths || value === null || (paths.treatment && paths.treatment !== 'hash')) return value;
  if (Array.isArray(value)) return value.map((element) => hashedValue(element, paths, hash));
  if (paths.treatment === 'hash') return hash(value);
  return typeof value === 'object' ? hashedMembers(value, paths, hash) : value;
}
