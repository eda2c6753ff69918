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
import { createNameSensitivity } from './names.ts';
import { REDACTED } from './replacement.ts';
import { createTextRedaction } from './text.ts';

/** What a deployment decides about redaction. */
export interface RedactionRules {
  /** Further names whose values are redacted. */
  names?: readonly string[];
  /** Rules for single fields, as `parseFieldRules` takes them. */
  fields?: readonly string[];
  /** The secret of the keyed hashes, the same in every instance. */
  hashKey: Uint8Array;
}

/** Redaction: nothing is stored, hashed, logged or shown to a reader before it. */
export interface Redaction {
  /**
   * The event without its secrets, and with the hashes that the rules ask for. The draft itself is not changed. Throws
   * BAD_USER_INPUT when a text that refuses them, such as `customerId`, holds a credential: with something else in its
   * place it would be another customer.
   */
  event(draft: EventDraft, path: string): EventDraft;
  /** The filter that finds what was stored: its values are hashed where those of events are. */
  filter(filter: EventFilter): EventFilter;
  /** Throws BAD_USER_INPUT when a text that has to stay as it is holds a credential. */
  refuse(text: string, path: string): void;
}

/** Makes the redaction of a deployment. Throws an error when a rule cannot be read. */
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
        // Two texts that hold different secrets stay two.
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

/** The filter with its values hashed where those of events are. Other secrets in it stay, and find nothing. */
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
// 128 bits: enough that no two values of a log get the same.
const DIGITS = 32;
const SHAPE = /^hmac:[0-9a-f]{32}$/;

/**
 * Makes the keyed hash that stands for a value: `hmac:` and the first 32 hex digits of HMAC-SHA-256 over its UTF-8 (over
 * its RFC 8785 form unless it is a text). Equal values have equal ones; who does not know the key can neither compute nor
 * guess them back. One that is such a hash already stays.
 */
export function createKeyedHash(key: Uint8Array): (value: JsonValue) => string {
  return (value) => {
    const text = typeof value === 'string' ? value : canonicalJson(value);
    if (SHAPE.test(text)) return text;
    return PREFIX + createHmac('sha256', key).update(text).digest('hex').slice(0, DIGITS);
  };
}
