import { badInput } from '../errors.ts';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from './bounds.ts';
import type { JsonObject } from './event.ts';

/** Throws BAD_USER_INPUT at `path` unless the text can be stored and hashed as it is. */
export function checkText(text: string, path: string): void {
  if (text.includes('\0')) throw badInput(path, 'must not contain the NUL character');
  if (!text.isWellFormed()) throw badInput(path, 'must not contain a lone surrogate');
}

/**
 * Checks that a value from JSON is an object that survives storage unchanged, and returns it.
 * Throws BAD_USER_INPUT with the path of the member at fault.
 */
export function checkJsonObject(value: unknown, path: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badInput(path, 'must be an object');
  checkValue(value, path, { depth: 0, values: 0 });
  return value as JsonObject;
}

interface Walk {
  depth: number;
  values: number;
}

function checkValue(value: unknown, path: string, walk: Walk): void {
  walk.values += 1;
  if (walk.values > MAX_JSON_VALUES)
    throw badInput(path, `has more than ${MAX_JSON_VALUES} members and elements`);
  if (typeof value === 'string') checkText(value, path);
  else if (typeof value === 'number') checkNumber(value, path);
  else if (typeof value === 'object' && value !== null) checkMembers(value, path, walk);
  else if (typeof value !== 'boolean' && value !== null) throw badInput(path, 'must be a JSON value');
}

function checkNumber(value: number, path: string): void {
  if (!Number.isFinite(value)) throw badInput(path, 'must be a finite number');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw badInput(path, 'must be an integer from -(2^53 - 1) to 2^53 - 1; send a larger one as a string');
  }
}

function checkMembers(value: object, path: string, walk: Walk): void {
  walk.depth += 1;
  if (walk.depth > MAX_JSON_DEPTH) throw badInput(path, `is nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (Array.isArray(value)) {
    value.forEach((element, index) => {
      checkValue(element, `${path}[${index}]`, walk);
    });
  } else {
    for (const [key, member] of Object.entries(value)) {
      const memberPath = `${path}.${key}`;
      if (key === '__proto__') throw badInput(memberPath, 'is a name that cannot be kept');
      checkText(key, memberPath);
      checkValue(member, memberPath, walk);
    }
  }
  walk.depth -= 1;
}
