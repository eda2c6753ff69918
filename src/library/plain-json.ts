import { badInput } from '../errors.ts';
import { type JsonObject, type JsonValue, MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../events/fields.ts';

/** The state of a copy: the keys from the root to the current value, and how many more values are allowed. */
interface CopyState {
  path: string;
  keys: (string | number)[];
  left: number;
}

/**
 * Copies an object of the program to plain JSON, so that later changes of the object do not affect the event. Leaves out
 * members that are undefined, and replaces a value that has `toJSON`, such as a Date, by its result. Throws BAD_USER_INPUT
 * with the path of a value that JSON cannot represent (functions, symbols, big integers, a Map, instances of classes). An
 * object that is too deep or too wide is copied to one level or value beyond the bound, and validation then refuses it.
 */
export function plainObject(value: unknown, path: string): JsonObject {
  const copy = copyValue(value, '', { path, keys: [], left: MAX_JSON_VALUES + 1 });
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy))
    throw badInput(path, 'must be an object');
  return copy;
}

function copyValue(given: unknown, key: string, state: CopyState): JsonValue | undefined {
  state.left -= 1;
  const value = resolveToJson(given, key);
  if (value === null || typeof value !== 'object') return copyPrimitive(value, state);
  if (state.keys.length > MAX_JSON_DEPTH || state.left < 0) return null;
  return Array.isArray(value) ? copyArray(value, state) : copyMembers(value, state);
}

function resolveToJson(value: unknown, key: string): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  return typeof value === 'object' && typeof toJSON === 'function' ? toJSON.call(value, key) : value;
}

function copyPrimitive(value: unknown, state: CopyState): JsonValue | undefined {
  if (value === undefined || value === null) return value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw notJson(state, typeof value === 'bigint' ? 'must be a JSON value: send it as a string' : undefined);
}

function copyArray(list: readonly unknown[], state: CopyState): JsonValue[] {
  const copy: JsonValue[] = [];
  for (let index = 0; index < list.length && state.left >= 0; index += 1) {
    state.keys.push(index);
    const element = copyValue(list[index], String(index), state);
    if (element === undefined) throw notJson(state);
    copy.push(element);
    state.keys.pop();
  }
  return copy;
}

function copyMembers(object: object, state: CopyState): JsonObject {
  const prototype = Object.getPrototypeOf(object);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain || Symbol.iterator in object)
    throw notJson(state, 'must be a plain object or a JSON value, not an instance of a class');
  const copy: JsonObject = {};
  for (const key of Object.keys(object)) {
    if (state.left < 0) break;
    state.keys.push(key);
    const member = copyValue((object as Record<string, unknown>)[key], key, state);
    // defineProperty, since assigning `__proto__` would set the prototype of the copy and hide the member from validation.
    if (member !== undefined)
      Object.defineProperty(copy, key, {
        value: member,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    state.keys.pop();
  }
  return copy;
}

function notJson({ path, keys }: CopyState, message = 'must be a JSON value'): Error {
  const steps = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`));
  return badInput(path + steps.join(''), message);
}
