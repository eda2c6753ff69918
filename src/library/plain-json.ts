import { badInput } from '../errors.ts';
import { type JsonObject, type JsonValue, MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../events/fields.ts';

/** Where a copy is: the keys from the root, and how many values there may still be. */
interface CopyState {
  path: string;
  keys: (string | number)[];
  left: number;
}

/**
 * A copy of an object that a program gives, as JSON would have it: what the program changes afterwards is not in the log.
 * Members that are undefined are left out, and what has a `toJSON`, such as a Date, is what that returns. What JSON would
 * lose without a word (functions, symbols, big integers, a Map, instances of classes) is BAD_USER_INPUT with its path. What
 * is too deep or too wide is copied up to one more than is allowed, for the check of the event to refuse.
 */
export function plainObject(value: unknown, path: string): JsonObject {
  const copy = copyValue(value, '', { path, keys: [], left: MAX_JSON_VALUES + 1 });
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy))
    throw badInput(path, 'must be an object');
  return copy;
}

function copyValue(given: unknown, key: string, walk: CopyState): JsonValue | undefined {
  walk.left -= 1;
  const value = resolveToJson(given, key);
  if (value === null || typeof value !== 'object') return copyPrimitive(value, walk);
  if (walk.keys.length > MAX_JSON_DEPTH || walk.left < 0) return null;
  return Array.isArray(value) ? copyArray(value, walk) : copyMembers(value, walk);
}

function resolveToJson(value: unknown, key: string): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  return typeof value === 'object' && typeof toJSON === 'function' ? toJSON.call(value, key) : value;
}

function copyPrimitive(value: unknown, walk: CopyState): JsonValue | undefined {
  if (value === undefined || value === null) return value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw notJson(walk, typeof value === 'bigint' ? 'must be a JSON value: send it as a string' : undefined);
}

function copyArray(list: readonly unknown[], walk: CopyState): JsonValue[] {
  const copy: JsonValue[] = [];
  for (let index = 0; index < list.length && walk.left >= 0; index += 1) {
    walk.keys.push(index);
    const element = copyValue(list[index], String(index), walk);
    if (element === undefined) throw notJson(walk);
    copy.push(element);
    walk.keys.pop();
  }
  return copy;
}

function copyMembers(object: object, walk: CopyState): JsonObject {
  const prototype = Object.getPrototypeOf(object);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain || Symbol.iterator in object)
    throw notJson(walk, 'must be a plain object or a JSON value, not an instance of a class');
  const copy: JsonObject = {};
  for (const key of Object.keys(object)) {
    if (walk.left < 0) break;
    walk.keys.push(key);
    const member = copyValue((object as Record<string, unknown>)[key], key, walk);
    // By definition: a member of this name would become the prototype of the copy, and not be seen by the check.
    if (member !== undefined)
      Object.defineProperty(copy, key, {
        value: member,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    walk.keys.pop();
  }
  return copy;
}

function notJson({ path, keys }: CopyState, message = 'must be a JSON value'): Error {
  const steps = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`));
  return badInput(path + steps.join(''), message);
}
