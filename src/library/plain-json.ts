import { badInput } from '../errors.ts';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../events/bounds.ts';
import type { JsonObject, JsonValue } from '../events/event.ts';

/** Where a copy is: the keys from the root, and how many values there may still be. */
interface Walk {
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
  const copy = plain(value, '', { path, keys: [], left: MAX_JSON_VALUES + 1 });
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy))
    throw badInput(path, 'must be an object');
  return copy;
}

function plain(given: unknown, key: string, walk: Walk): JsonValue | undefined {
  walk.left -= 1;
  const value = jsonOf(given, key);
  if (value === null || typeof value !== 'object') return primitive(value, walk);
  if (walk.keys.length > MAX_JSON_DEPTH || walk.left < 0) return null;
  return Array.isArray(value) ? plainArray(value, walk) : plainMembers(value, walk);
}

function jsonOf(value: unknown, key: string): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  return typeof value === 'object' && typeof toJSON === 'function' ? toJSON.call(value, key) : value;
}

function primitive(value: unknown, walk: Walk): JsonValue | undefined {
  if (value === undefined || value === null) return value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw refusal(walk, typeof value === 'bigint' ? 'must be a JSON value: send it as a string' : undefined);
}

function plainArray(list: readonly unknown[], walk: Walk): JsonValue[] {
  const copy: JsonValue[] = [];
  for (let index = 0; index < list.length && walk.left >= 0; index += 1) {
    walk.keys.push(index);
    const element = plain(list[index], String(index), walk);
    if (element === undefined) throw refusal(walk);
    copy.push(element);
    walk.keys.pop();
  }
  return copy;
}

function plainMembers(object: object, walk: Walk): JsonObject {
  const prototype = Object.getPrototypeOf(object);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain || Symbol.iterator in object)
    throw refusal(walk, 'must be a plain object or a JSON value, not an instance of a class');
  const copy: JsonObject = {};
  for (const key of Object.keys(object)) {
    if (walk.left < 0) break;
    walk.keys.push(key);
    const member = plain((object as Record<string, unknown>)[key], key, walk);
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

function refusal({ path, keys }: Walk, message = 'must be a JSON value'): Error {
  const steps = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`));
  return badInput(path + steps.join(''), message);
}
