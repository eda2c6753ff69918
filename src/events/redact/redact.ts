import { createHmac } from 'node:crypto';
import { badInput } from '../../errors.ts';
import { canonicalJson } from '../canonical.ts';
import {
  EQUALITY_FIELDS,
  type EventDraft,
  HASHED_TEXTS,
  type JsonObject,
  type JsonValue,
  OBJECT_FIELDS,
  REDACTED_TEXTS,
  REFUSING_TEXTS,
} from '../fields.ts';
import type { EventFilter } from '../filter.ts';
import { type FieldRules, type PathRules, parseFieldRules, type Treatment } from './field-rules.ts';
import { createMembers } from './json-objects.ts';
import { createNameSensitivity } from './name-sensitivity.ts';
import { REDACTED } from './replacement.ts';
import { createTextRedaction } from './text.ts';

/** The settings of redaction. */
export interface RedactionRules {
  /** Further sensitive names, with the level `any`. */
  names?: readonly string[];
  /** Rules for single fields, as `parseFieldRules` takes them. */
  fields?: readonly string[];
  /** The key of the keyed hashes, the same in every instance. */
  hashKey: Uint8Array;
}

/** Removes secrets. It runs before anything is stored, hashed, logged or shown to a reader. */
export interface Redaction {
  /**
   * Returns the event without its secrets, and with keyed hashes where the rules require them. Does not change the draft.
   * Throws BAD_USER_INPUT when a text such as `customerId` contains a credential: a replacement would assign the event to
   * another customer.
   */
  event(draft: EventDraft, path: string): EventDraft;
  /** Returns the filter with hashed values where those of events are hashed, so that it matches stored events. */
  filter(filter: EventFilter): EventFilter;
  /** Throws BAD_USER_INPUT when a text that must not be changed contains a credential. */
  refuse(text: string, path: string): void;
}

/** Creates the redaction of a deployment. Throws an error when a rule is invalid. */
export function createRedaction({ names = [], fields = [], hashKey }: RedactionRules): Redaction {
  const rules = parseFieldRules(fields);
  const sensitivityOf = createNameSensitivity(names);
  const { redactText, holdsCredential } = createTextRedaction(sensitivityOf, names);
  const hash = createKeyedHash(hashKey);
  const redactMembers = createMembers({ sensitivityOf, redactText, hash });
  const refuse = (text: string, path: string) => {
    if (holdsCredential(text)) throw badInput(path, 'must not hold a password, a token or a key');
  };
  const treat = (text: string, treatment: Treatment | undefined) => {
    if (treatment === undefined) return redactText(text);
    if (treatment === 'keep') return text;
    return treatment === 'hash' ? hash(text) : REDACTED;
  };
  return {
    event(draft, path) {
      for (const name of REFUSING_TEXTS) {
        const text = draft[name];
        if (text !== undefined) refuse(text, `${path}.${name}`);
      }
      const changes: Partial<EventDraft> = {};
      for (const name of REDACTED_TEXTS) {
        const text = draft[name];
        if (!text) continue;
        const kept = treat(text, rules.texts.get(name));
        if (kept !== text) changes[name] = kept;
      }
      for (const name of OBJECT_FIELDS) {
        const object = draft[name];
        if (!object) continue;
        const kept = redactMembers(object, rules.objects[name]);
        if (kept !== object) changes[name] = kept;
      }
      for (const name of HASHED_TEXTS) {
        const text = draft[name];
        // Hashed, not replaced, so that keys with different secrets stay different.
        if (text !== undefined && redactText(text) !== text) changes[name] = hash(text);
      }
      if (rules.dropsAddress) changes.ipAddress = undefined;
      return Object.keys(changes).length === 0 ? draft : { ...draft, ...changes };
    },
    filter: (filter) => hashedFilter(filter, rules, hash),
    refuse,
  };
}

type Hash = (value: JsonValue) => string;

/** The filter with hashed values where those of events are hashed. Other secrets in it stay, and match no event. */
export function hashedFilter(filter: EventFilter, rules: FieldRules, hash: Hash): EventFilter {
  const copy = { ...filter };
  for (const name of EQUALITY_FIELDS) {
    const text = filter[name];
    if (text && rules.texts.get(name) === 'hash') copy[name] = hash(text);
  }
  for (const name of OBJECT_FIELDS) {
    const object = filter[name];
    if (object) copy[name] = hashedMembers(object, rules.objects[name], hash);
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

const PREFIX = 'hmac:';
// 128 bits, so that no two values of a log get the same hash.
const DIGITS = 32;
const SHAPE = /^hmac:[0-9a-f]{32}$/;

/**
 * Creates the keyed hash of values: `hmac:` and the first 32 hex digits of HMAC-SHA-256, over the UTF-8 bytes of a string
 * or the RFC 8785 form of another value. Equal values have equal hashes. Without the key, nobody can compute a hash or
 * guess its value. A value that is such a hash already is returned unchanged.
 */
export function createKeyedHash(key: Uint8Array): (value: JsonValue) => string {
  return (value) => {
    const text = typeof value === 'string' ? value : canonicalJson(value);
    if (SHAPE.test(text)) return text;
    return PREFIX + createHmac('sha256', key).update(text).digest('hex').slice(0, DIGITS);
  };
}
