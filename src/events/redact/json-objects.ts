import type { JsonObject, JsonValue } from '../fields.ts';
import { isCardNumber } from './card-and-account-numbers.ts';
import type { PathRules, Treatment } from './field-rules.ts';
import { copyOf, IDENTIFIERS, type Sensitivity } from './name-sensitivity.ts';
import { REDACTED } from './replacement.ts';

const MAX_REMEMBERED = 10_000;
const MAX_REMEMBERED_LENGTH = 64;

/** The functions that redact parts of JSON. */
export interface MemberRules {
  sensitivityOf: (key: string) => Sensitivity;
  redactText: (text: string) => string;
  hash: (value: JsonValue) => string;
}

/** What is known about a key. */
interface KeyRule {
  sensitivity: Sensitivity;
  /** The key with the secrets in it replaced. */
  shown: string;
  /** The form of values under this key that are identifiers, not secrets. */
  identifier: RegExp | undefined;
  /** Its role in an object of a name and a value. */
  part: PairRole;
}

/** Makes the redaction of JSON objects. It returns an unchanged object as it is, and never changes an object in place. */
export function createMembers(rules: MemberRules): (object: JsonObject, paths: PathRules) => JsonObject {
  const redaction = new JsonRedaction(rules);
  return (object, paths) => redaction.redactObject(object, paths.members.size === 0 ? undefined : paths);
}

/** `paths` are the rules of the deployment below the present value; undefined: there are none. */
type Paths = PathRules | undefined;

class JsonRedaction {
  readonly #redactText: (text: string) => string;
  readonly #sensitivityOf: (key: string) => Sensitivity;
  readonly #hash: (value: JsonValue) => string;
  readonly #ruleOf: (key: string) => KeyRule;
  readonly #roleOfKey: (key: string) => PairRole;

  constructor(rules: MemberRules) {
    this.#redactText = rules.redactText;
    this.#hash = rules.hash;
    const ruleOf = rememberRules(rules);
    this.#ruleOf = ruleOf;
    this.#sensitivityOf = (name) => ruleOf(name).sensitivity;
    this.#roleOfKey = (key) => ruleOf(key).part;
  }

  /**
   * `inherited` is the sensitivity that the name of the object gives to its members. A member whose own name is not
   * sensitive gets it, or the sensitivity that another member gives to it (`{ name: 'password', value }`).
   */
  redactObject(object: JsonObject, paths: Paths, inherited: 'deep' | 'none' = 'none'): JsonObject {
    const keys = Object.keys(object);
    const named = namedBy(object, keys, this.#roleOfKey, this.#sensitivityOf);
    let copy: JsonObject | undefined;
    let freeName: ((key: string) => string) | undefined;
    for (let at = 0; at < keys.length; at += 1) {
      const key = keys[at] as string;
      const rule = this.#ruleOf(key);
      const value = object[key] as JsonValue;
      const below = paths?.below(key);
      const outer = named?.isValue(key) ? named.sensitivity : inherited;
      const isOuter = outer !== 'none' && rule.sensitivity === 'none' && !below?.treatment;
      const redacted = isOuter
        ? this.#redactNamed(value, outer, below)
        : this.#redactMember(key, value, rule, below);
      const isRenamed = rule.shown !== key;
      if (!copy && (redacted !== value || isRenamed)) copy = firstOf(object, keys, at);
      if (!copy) continue;
      if (isRenamed) freeName ??= freeNames(object);
      copy[isRenamed && freeName ? freeName(rule.shown) : key] = redacted;
    }
    return copy ?? object;
  }

  #redactMember(key: string, value: JsonValue, rule: KeyRule, paths: Paths): JsonValue {
    if (paths?.treatment) return this.#treat(value, paths.treatment);
    if (rule.identifier && typeof value === 'string' && rule.identifier.test(value)) return value;
    if (Array.isArray(value) && rule.sensitivity === 'none') return this.#redactElements(value, paths, key);
    return this.#redactNamed(value, rule.sensitivity, paths);
  }

  /** Redacts a value whose name has this sensitivity, by the table of `Sensitivity`. */
  #redactNamed(value: JsonValue, sensitivity: Sensitivity, paths: Paths): JsonValue {
    if (sensitivity === 'none') return this.#redactValue(value, paths);
    if (sensitivity === 'any' || typeof value === 'string') return REDACTED;
    if (value === null || typeof value === 'boolean') return value;
    const isDeep = sensitivity === 'deep' || sensitivity === 'list';
    if (typeof value === 'number') {
      const isCount = sensitivity === 'list' || sensitivity === 'text';
      return isCount ? this.#redactValue(value, paths) : REDACTED;
    }
    if (Array.isArray(value)) {
      const ofElements = isDeep ? 'deep' : sensitivity;
      return mapped(value, (element) => this.#redactNamed(element, ofElements, paths));
    }
    return this.redactObject(value, paths, isDeep ? 'deep' : 'none');
  }

  /** Redacts a value by its form alone. */
  #redactValue(value: JsonValue, paths: Paths): JsonValue {
    if (typeof value === 'string') return this.#redactText(value);
    if (typeof value === 'number') return isCardNumber(value) ? REDACTED : value;
    if (value === null || typeof value === 'boolean') return value;
    return Array.isArray(value) ? this.#redactElements(value, paths) : this.redactObject(value, paths);
  }

  #redactElements(array: JsonValue[], paths: Paths, key = ''): JsonValue[] {
    if (areTuples(array))
      return mapped(array, (tuple) => this.#redactTuple(tuple as [string, JsonValue], paths));
    const named = namedElements(array, key, this.#sensitivityOf);
    return mapped(array, (element, at) => {
      const sensitivity = named?.[at];
      return sensitivity ? this.#redactNamed(element, sensitivity, paths) : this.#redactValue(element, paths);
    });
  }

  #redactTuple(tuple: [string, JsonValue], paths: Paths): JsonValue {
    const sensitivity = this.#sensitivityOf(tuple[0]);
    return mapped(tuple, (element, at) =>
      at === 1 ? this.#redactNamed(element, sensitivity, paths) : this.#redactValue(element, paths),
    );
  }

  #treat(value: JsonValue, treatment: Treatment): JsonValue {
    if (treatment === 'keep') return value;
    if (treatment === 'redact') return REDACTED;
    if (Array.isArray(value)) return mapped(value, (element) => this.#treat(element, treatment));
    return value === null ? null : this.#hash(value);
  }
}

// Names that hold a secret are not remembered, since it would stay in memory.
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
    const copy = copyOf(key);
    remembered.set(copy, { ...rule, shown: copy });
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
 * Makes unique names for members whose key was redacted: the redacted key, with a number if the object has such a key.
 * Each number is tried once per key, so the time is linear also when all keys become the same one.
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

// Keys for the name of a value and for the value itself: { name, value }, { field, old, new }.
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

/** The role of a member in an object of a name and a value. */
export type PairRole = 'name' | 'path' | 'value' | undefined;

/** The role of a key. */
export function roleOf(key: string): PairRole {
  if (key.length > LONGEST_PART) return undefined;
  const plain = key.toLowerCase().replace(/[_-]/g, '');
  if (NAME_MEMBERS.has(plain)) return 'name';
  if (PATH_MEMBERS.has(plain)) return 'path';
  return VALUE_MEMBERS.has(plain) ? 'value' : undefined;
}

/** The members of an object whose name is the value of another member, and their sensitivity. */
export interface NamedMembers {
  isValue: (key: string) => boolean;
  sensitivity: Sensitivity;
}

/**
 * Finds members whose name is the value of another member: `{ name: 'password', value }`, `{ field, old, new }`,
 * `{ op: 'replace', path: '/user/password', value }` (JSON Patch, RFC 6902). Undefined: none with a sensitive name.
 */
export function namedBy(
  object: JsonObject,
  keys: readonly string[],
  partOfKey: (key: string) => PairRole,
  sensitivityOf: SensitivityOf,
): NamedMembers | undefined {
  if (keys.length < 2) return undefined;
  let sensitivity: Sensitivity = 'none';
  for (const key of keys) {
    const part = partOfKey(key);
    if (part !== 'name' && part !== 'path') continue;
    const name = object[key];
    if (typeof name !== 'string') continue;
    sensitivity = part === 'name' ? sensitivityOf(name) : sensitivityOfPath(name, sensitivityOf);
    if (sensitivity !== 'none') break;
  }
  if (sensitivity === 'none') return undefined;
  // `from` in JSON Patch is a path, not a value.
  const isValue = (key: string) =>
    partOfKey(key) === 'value' && !(key === 'from' && Object.hasOwn(object, 'op'));
  return { isValue, sensitivity };
}

// A name that is `any` or `deep` matches in every segment of the path, the other names in the last one.
function sensitivityOfPath(path: string, sensitivityOf: SensitivityOf): Sensitivity {
  const segments = path.split(/[/.[\]'"$]+/, MOST_SEGMENTS).filter((segment) => /[^\d*-]/.test(segment));
  const sensitivities = segments.map((segment) =>
    sensitivityOf(segment.replaceAll('~1', ' ').replaceAll('~0', '~')),
  );
  if (sensitivities.includes('any')) return 'any';
  return (
    sensitivities.findLast((sensitivity, at) => sensitivity === 'deep' || at === sensitivities.length - 1) ??
    'none'
  );
}

/**
 * The sensitivity of each element of an array whose name is the element before it: in Node's flat lists of headers
 * (`rawHeaders`) and in command lines (`['--password', '...']`). Undefined: no element has a sensitive name.
 */
export function namedElements(
  array: readonly JsonValue[],
  key: string,
  sensitivityOf: SensitivityOf,
): readonly (Sensitivity | undefined)[] | undefined {
  const isHeaders = array.length % 2 === 0 && LIST_OF_HEADERS.test(key.slice(-64));
  let named: (Sensitivity | undefined)[] | undefined;
  for (let at = 0; at + 1 < array.length; at += 1) {
    const name = array[at];
    if (typeof name !== 'string') continue;
    const isName = isHeaders ? at % 2 === 0 : OPTION.test(name);
    const next = array[at + 1];
    if (!isName || typeof next !== 'string' || (!isHeaders && next.startsWith('-'))) continue;
    const sensitivity = sensitivityOf(name);
    if (sensitivity === 'none') continue;
    named ??= new Array<Sensitivity | undefined>(array.length);
    named[at + 1] = sensitivity;
  }
  return named;
}

/** Whether all elements are tuples of a name and a value, such as the entries of a Map or of Headers. */
export function areTuples(array: readonly JsonValue[]): array is [string, JsonValue][] {
  return (
    array.length > 0 &&
    array.every((one) => Array.isArray(one) && one.length === 2 && typeof one[0] === 'string')
  );
}
