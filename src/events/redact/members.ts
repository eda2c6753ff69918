import type { JsonObject, JsonValue } from '../event.ts';
import { isCardNumber } from './cards.ts';
import type { PathRules } from './fields.ts';
import { IDENTIFIERS } from './identifiers.ts';
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
}

/** Makes the redaction of JSON objects. What needs no change is the same object afterwards; none is changed in place. */
export function createMembers(rules: MemberRules): (object: JsonObject, paths: PathRules) => JsonObject {
  const { redactText, hash } = rules;
  const ruleOf = rememberRules(rules);

  function redactValue(value: JsonValue, paths: PathRules | undefined): JsonValue {
    if (typeof value === 'string') return redactText(value);
    if (typeof value === 'number') return isCardNumber(value) ? REDACTED : value;
    if (value === null || typeof value === 'boolean') return value;
    if (Array.isArray(value)) return mapped(value, (element) => redactValue(element, paths));
    return redactObject(value, paths);
  }

  function redactMember(value: JsonValue, rule: KeyRule, paths: PathRules | undefined): JsonValue {
    if (paths?.treatment) return treat(value, paths.treatment);
    if (rule.identifier && typeof value === 'string' && rule.identifier.test(value)) return value;
    if (rule.sensitivity === 'any') return REDACTED;
    const isScalar = typeof value === 'string' || typeof value === 'number';
    if (isScalar && rule.sensitivity === 'scalar') return REDACTED;
    return redactValue(value, paths);
  }

  function treat(value: JsonValue, treatment: 'redact' | 'hash' | 'keep'): JsonValue {
    if (treatment === 'keep') return value;
    if (treatment === 'redact') return REDACTED;
    if (Array.isArray(value)) return mapped(value, (element) => treat(element, treatment));
    return value === null ? null : hash(value);
  }

  function redactObject(object: JsonObject, paths: PathRules | undefined): JsonObject {
    const keys = Object.keys(object);
    let copy: JsonObject | undefined;
    for (let at = 0; at < keys.length; at += 1) {
      const key = keys[at] as string;
      const rule = ruleOf(key);
      const value = object[key] as JsonValue;
      const kept = redactMember(value, rule, paths?.below(key));
      if (!copy && (kept !== value || rule.shown !== key)) copy = firstOf(object, keys, at);
      if (copy) copy[rule.shown === key ? key : unused(rule.shown, object, copy)] = kept;
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
    const rule = { sensitivity: sensitivityOf(key), shown, identifier };
    if (shown !== key || key.length > MAX_REMEMBERED_LENGTH) return rule;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(key, rule);
    return rule;
  };
}

function mapped(array: JsonValue[], redact: (element: JsonValue) => JsonValue): JsonValue[] {
  const copy = array.map(redact);
  return copy.every((element, index) => element === array[index]) ? array : copy;
}

function firstOf(object: JsonObject, keys: string[], count: number): JsonObject {
  const copy: JsonObject = {};
  for (const key of keys.slice(0, count)) copy[key] = object[key] as JsonValue;
  return copy;
}

/** The key, or with a number where there is such a key: no member is lost. */
function unused(key: string, object: JsonObject, copy: JsonObject): string {
  const isFree = (name: string) => !Object.hasOwn(object, name) && !Object.hasOwn(copy, name);
  if (isFree(key)) return key;
  let number = 2;
  while (!isFree(`${key} ${number}`)) number += 1;
  return `${key} ${number}`;
}
