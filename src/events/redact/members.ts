import type { JsonObject, JsonValue } from '../event.ts';
import { isCardNumber } from './cards.ts';
import type { PathRules } from './fields.ts';
import { IDENTIFIERS } from './identifiers.ts';
import { areTuples, namedBy, namedElements, type Part, partOf } from './named-values.ts';
import type { Sensitivity } from './names.ts';
import { REDACTED } from './replaced.ts';

const MAX_REMEMBERED = 10_000;
const MAX_REMEMBERED_LENGTH = 64;

/** What JSON is redacted with. */
export interface MemberRules {
  sensitivityOf: (key: string) => Sensitivity;
  redactText: (text: string) => string;
  hash: (value: JsonValue) => string;
}

interface KeyRule {
  sensitivity: Sensitivity;
  /** The key without the secrets that it holds itself. */
  shown: string;
  /** The form of values that are no secrets here. */
  identifier: RegExp | undefined;
  /** Its part in an object of a name and a value. */
  part: Part;
}

/** Makes the redaction of JSON objects. What needs no change is the same object afterwards; none is changed in place. */
export function createMembers(rules: MemberRules): (object: JsonObject, paths: PathRules) => JsonObject {
  const { redactText, hash, sensitivityOf } = rules;
  const ruleOf = rememberRules(rules);
  const partOfKey = (key: string) => ruleOf(key).part;

  function redactValue(value: JsonValue, paths: PathRules | undefined): JsonValue {
    if (typeof value === 'string') return redactText(value);
    if (typeof value === 'number') return isCardNumber(value) ? REDACTED : value;
    if (value === null || typeof value === 'boolean') return value;
    if (Array.isArray(value)) return redactElements(value, paths);
    return redactObject(value, paths);
  }

  function redactElements(array: JsonValue[], paths: PathRules | undefined, key = ''): JsonValue[] {
    if (areTuples(array)) return mapped(array, (tuple) => redactTuple(tuple as [string, JsonValue], paths));
    const named = namedElements(array, key, sensitivityOf);
    return mapped(array, (element, at) => {
      const sensitivity = named?.[at];
      return sensitivity ? redactNamed(element, sensitivity, paths) : redactValue(element, paths);
    });
  }

  function redactTuple(tuple: [string, JsonValue], paths: PathRules | undefined): JsonValue {
    const sensitivity = sensitivityOf(tuple[0]);
    return mapped(tuple, (element, at) =>
      at === 1 ? redactNamed(element, sensitivity, paths) : redactValue(element, paths),
    );
  }

  function redactMember(
    key: string,
    value: JsonValue,
    rule: KeyRule,
    paths: PathRules | undefined,
  ): JsonValue {
    if (paths?.treatment) return treat(value, paths.treatment);
    if (rule.identifier && typeof value === 'string' && rule.identifier.test(value)) return value;
    if (Array.isArray(value) && rule.sensitivity === 'none') return redactElements(value, paths, key);
    return redactNamed(value, rule.sensitivity, paths);
  }

  /** A value whose name has this sensitivity. */
  function redactNamed(value: JsonValue, sensitivity: Sensitivity, paths: PathRules | undefined): JsonValue {
    if (sensitivity === 'none') return redactValue(value, paths);
    if (sensitivity === 'any') return REDACTED;
    if (typeof value === 'string') return REDACTED;
    if (typeof value === 'number') {
      const isCount = sensitivity === 'list' || sensitivity === 'text';
      return isCount ? redactValue(value, paths) : REDACTED;
    }
    if (value === null || typeof value === 'boolean') return value;
    if (Array.isArray(value)) {
      const below = sensitivity === 'list' ? 'deep' : sensitivity;
      return mapped(value, (element) => redactNamed(element, below, paths));
    }
    return redactObject(value, paths, sensitivity === 'deep' || sensitivity === 'list' ? 'deep' : 'none');
  }

  function treat(value: JsonValue, treatment: 'redact' | 'hash' | 'keep'): JsonValue {
    if (treatment === 'keep') return value;
    if (treatment === 'redact') return REDACTED;
    if (Array.isArray(value)) return mapped(value, (element) => treat(element, treatment));
    return value === null ? null : hash(value);
  }

  /** `above` is what the name of the object makes of the texts and numbers in it. */
  function redactObject(
    object: JsonObject,
    paths: PathRules | undefined,
    above: 'deep' | 'none' = 'none',
  ): JsonObject {
    const keys = Object.keys(object);
    const named = namedBy(object, keys, partOfKey, sensitivityOf);
    let copy: JsonObject | undefined;
    let freeName: ((key: string) => string) | undefined;
    for (let at = 0; at < keys.length; at += 1) {
      const key = keys[at] as string;
      const rule = ruleOf(key);
      const value = object[key] as JsonValue;
      const below = paths?.below(key);
      const other = named?.isValue(key) ? named.sensitivity : above;
      const isOther = other !== 'none' && rule.sensitivity === 'none' && !below?.treatment;
      const kept = isOther ? redactNamed(value, other, below) : redactMember(key, value, rule, below);
      if (!copy && (kept !== value || rule.shown !== key)) copy = firstOf(object, keys, at);
      if (!copy) continue;
      const isRenamed = rule.shown !== key;
      if (isRenamed) freeName ??= freeNames(object);
      copy[isRenamed && freeName ? freeName(rule.shown) : key] = kept;
    }
    return copy ?? object;
  }

  return (object, paths) => redactObject(object, paths.members.size === 0 ? undefined : paths);
}

function rememberRules({ sensitivityOf, redactText }: MemberRules): (key: string) => KeyRule {
  const remembered = new Map<string, KeyRule>();
  return (key) => {
    const known = remembered.get(key);
    if (known) return known;
    const shown = redactText(key);
    const identifier = IDENTIFIERS.find((known) => known.key.test(key))?.value;
    const rule = { sensitivity: sensitivityOf(key), shown, identifier, part: partOf(key) };
    if (shown !== key || key.length > MAX_REMEMBERED_LENGTH) return rule;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(key, rule);
    return rule;
  };
}

function mapped(array: JsonValue[], redact: (element: JsonValue, at: number) => JsonValue): JsonValue[] {
  const copy = array.map(redact);
  return copy.every((element, index) => element === array[index]) ? array : copy;
}

function firstOf(object: JsonObject, keys: string[], count: number): JsonObject {
  const copy: JsonObject = {};
  for (const key of keys.slice(0, count)) copy[key] = object[key] as JsonValue;
  return copy;
}

/**
 * Makes the names of members whose key was redacted: the key, or the key with a number where the object has such a key,
 * so that no member is lost. A number is tried once for each key, so many keys that become the same one cost no more.
 */
function freeNames(object: JsonObject): (key: string) => string {
  const last = new Map<string, number>();
  const given = new Set<string>();
  return (key) => {
    let number = last.get(key) ?? 0;
    let name: string;
    do {
      number += 1;
      name = number === 1 ? key : `${key} ${number}`;
    } while (Object.hasOwn(object, name) || given.has(name));
    given.add(name);
    last.set(key, number);
    return name;
  };
}
