import type { JsonObject, JsonValue } from '../fields.ts';
import { isCardNumber } from './card-and-account-numbers.ts';
import type { PathRules } from './field-rules.ts';
import { IDENTIFIERS, type Sensitivity } from './names.ts';
import { REDACTED } from './replacement.ts';

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
  part: PairRole;
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
    const rule = { sensitivity: sensitivityOf(key), shown, identifier, part: roleOf(key) };
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

type SensitivityOf = (key: string) => Sensitivity;

// The members that hold the name of a value, and those that hold the value: { name, value }, { field, old, new }.
const NAME_MEMBERS = new Set(
  'name key field fieldname header headername param paramname parameter parametername property propertyname attribute attributename variable variablename label column columnname setting option k type'.split(
    ' ',
  ),
);
const VALUE_MEMBERS = new Set(
  'value values val v old new oldvalue newvalue previous previousvalue current currentvalue before after from to was is original updated content data default defaultvalue stringvalue text'.split(
    ' ',
  ),
);
const PATH_MEMBERS = new Set(['path', 'pointer', 'jsonpath']);
const LONGEST_PART = 24;
const MOST_SEGMENTS = 40;
const LIST_OF_HEADERS = /(?:headers|trailers)$/i;
const OPTION = /^--?[A-Za-z][\w-]{0,63}$/;

/** What a member of such a key may be in an object of a name and a value. */
export type PairRole = 'name' | 'path' | 'value' | undefined;

/** The part of a key. */
export function roleOf(key: string): PairRole {
  if (key.length > LONGEST_PART) return undefined;
  const plain = key.toLowerCase().replace(/[_-]/g, '');
  if (NAME_MEMBERS.has(plain)) return 'name';
  if (PATH_MEMBERS.has(plain)) return 'path';
  return VALUE_MEMBERS.has(plain) ? 'value' : undefined;
}

/** How the values of an object are judged that another member of it names. */
export interface NamedMembers {
  isValue: (key: string) => boolean;
  sensitivity: Sensitivity;
}

/**
 * The members of an object that hold the value of what another member names: `{ name: 'password', value }`,
 * `{ field, old, new }`, `{ op: 'replace', path: '/user/password', value }` (JSON Patch, RFC 6902); undefined: none.
 */
export function namedBy(
  object: JsonObject,
  keys: readonly string[],
  partOfKey: (key: string) => PairRole,
  judge: SensitivityOf,
): NamedMembers | undefined {
  if (keys.length < 2) return undefined;
  let sensitivity: Sensitivity = 'none';
  for (const key of keys) {
    const part = partOfKey(key);
    if (part !== 'name' && part !== 'path') continue;
    const name = object[key];
    if (typeof name !== 'string') continue;
    sensitivity = part === 'name' ? judge(name) : sensitivityOfPath(name, judge);
    if (sensitivity !== 'none') break;
  }
  if (sensitivity === 'none') return undefined;
  // The `from` of JSON Patch is a path.
  const isValue = (key: string) =>
    partOfKey(key) === 'value' && !(key === 'from' && Object.hasOwn(object, 'op'));
  return { isValue, sensitivity };
}

// A name anywhere on the way to a value, but for those that count at the end alone.
function sensitivityOfPath(path: string, judge: SensitivityOf): Sensitivity {
  const segments = path.split(/[/.[\]'"$]+/, MOST_SEGMENTS).filter((segment) => /[^\d*-]/.test(segment));
  const judged = segments.map((segment) => judge(segment.replaceAll('~1', ' ').replaceAll('~0', '~')));
  if (judged.includes('any')) return 'any';
  return judged.findLast((sensitivity, at) => sensitivity === 'deep' || at === judged.length - 1) ?? 'none';
}

/**
 * Which elements of an array are values that another element names: of tuples (`[['authorization', 'Basic ...']]`), of
 * Node's flat lists of headers (`rawHeaders`), and of command lines (`['--password', '...']`). undefined: none.
 */
export function namedElements(
  array: readonly JsonValue[],
  key: string,
  judge: SensitivityOf,
): readonly (Sensitivity | undefined)[] | undefined {
  const isHeaders = array.length % 2 === 0 && LIST_OF_HEADERS.test(key.slice(-64));
  let named: (Sensitivity | undefined)[] | undefined;
  for (let at = 0; at + 1 < array.length; at += 1) {
    const name = array[at];
    if (typeof name !== 'string') continue;
    const isName = isHeaders ? at % 2 === 0 : OPTION.test(name);
    const next = array[at + 1];
    if (!isName || typeof next !== 'string' || (!isHeaders && next.startsWith('-'))) continue;
    const sensitivity = judge(name);
    if (sensitivity === 'none') continue;
    named ??= new Array<Sensitivity | undefined>(array.length);
    named[at + 1] = sensitivity;
  }
  return named;
}

/** Whether the elements are tuples of a name and a value, such as the entries of a Map or of Headers. */
export function areTuples(array: readonly JsonValue[]): array is [string, JsonValue][] {
  return (
    array.length > 0 &&
    array.every((one) => Array.isArray(one) && one.length === 2 && typeof one[0] === 'string')
  );
}
