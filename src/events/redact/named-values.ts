import type { JsonObject, JsonValue } from '../event.ts';
import type { Sensitivity } from './names.ts';

type Judge = (key: string) => Sensitivity;

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
export type Part = 'name' | 'path' | 'value' | undefined;

/** The part of a key. */
export function partOf(key: string): Part {
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
  partOfKey: (key: string) => Part,
  judge: Judge,
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
function sensitivityOfPath(path: string, judge: Judge): Sensitivity {
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
  judge: Judge,
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
