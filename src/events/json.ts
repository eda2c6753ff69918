import { type AuditError, badInput } from '../errors.ts';
import { InexactNumber } from '../parse-json.ts';
import { type JsonObject, MAX_EVENT_CHARACTERS, MAX_JSON_DEPTH, MAX_JSON_VALUES } from './fields.ts';

/** The message for an event whose texts are together longer than `MAX_EVENT_CHARACTERS`. */
export const TOO_LONG = `makes the event longer than ${MAX_EVENT_CHARACTERS} characters`;

/** Why a text cannot be stored and hashed unchanged; undefined: it can. */
export function problemOf(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain the NUL character';
  return text.isWellFormed() ? undefined : 'must not contain a lone surrogate';
}

/** Throws BAD_USER_INPUT at `path` unless the text can be stored and hashed as it is. */
export function checkText(text: string, path: string): void {
  const problem = problemOf(text);
  if (problem !== undefined) throw badInput(path, problem);
}

/** Receives a problem of an input: throws it, or collects it so that the check goes on. */
export type OnProblem = (problem: AuditError) => void;

/** Throws the first problem. */
export const throwProblem: OnProblem = (problem) => {
  throw problem;
};

/** What an object may hold. */
export interface JsonBounds {
  /** Most members and elements, all levels together. */
  maxValues?: number;
  /** How many characters its keys and texts may have together. The check subtracts those that they have. */
  budget?: { characters: number };
  onProblem?: OnProblem;
}

/**
 * Checks that a value from JSON is an object that survives storage unchanged, and returns it. Each problem is
 * BAD_USER_INPUT with the path of the member at fault.
 */
export function checkJsonObject(
  value: unknown,
  path: string,
  {
    maxValues = MAX_JSON_VALUES,
    budget = { characters: MAX_EVENT_CHARACTERS },
    onProblem = throwProblem,
  }: JsonBounds = {},
): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    onProblem(badInput(path, 'must be an object'));
  // An event that is too long already is not checked any further.
  else if (budget.characters >= 0)
    checkValue(value, { root: path, keys: [], values: 0, maxValues, budget, onProblem });
  return value as JsonObject;
}

/** Where a check is, below `root`. Its path is put together only when something is wrong there. */
interface Walk {
  root: string;
  keys: (string | number)[];
  values: number;
  maxValues: number;
  budget: { characters: number };
  onProblem: OnProblem;
}

function refuse({ root, keys, onProblem }: Walk, message: string): void {
  const steps = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`));
  onProblem(badInput(root + steps.join(''), message));
}

function checkValue(value: unknown, walk: Walk): void {
  walk.values += 1;
  if (walk.values > walk.maxValues) {
    // Reported once.
    if (walk.values === walk.maxValues + 1)
      refuse(walk, `has more than ${walk.maxValues} members and elements`);
  } else if (typeof value === 'string') checkString(value, walk);
  else if (typeof value === 'number') checkNumber(value, walk);
  else if (value instanceof InexactNumber) refuseInexact(value, walk);
  else if (typeof value === 'object' && value !== null) checkMembers(value, walk);
  else if (typeof value !== 'boolean' && value !== null) refuse(walk, 'must be a JSON value');
}

function checkString(text: string, walk: Walk): void {
  if (walk.budget.characters < 0) return;
  walk.budget.characters -= text.length;
  if (walk.budget.characters < 0) {
    walk.onProblem(badInput(walk.root, TOO_LONG));
    return;
  }
  const problem = problemOf(text);
  if (problem !== undefined) refuse(walk, problem);
}

function checkNumber(value: number, walk: Walk): void {
  const problem = problemOfNumber(value);
  if (problem !== undefined) refuse(walk, problem);
}

function refuseInexact({ text }: InexactNumber, walk: Walk): void {
  const value = Number(text);
  refuse(walk, problemOfNumber(value) ?? changedTo(value));
}

/** Why a number cannot be stored unchanged; undefined: the double gives no reason. */
export function problemOfNumber(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'must be a finite number';
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? 'must be an integer from -(2^53 - 1) to 2^53 - 1; send a larger one as a string'
    : undefined;
}

/** The message for a number that a double would change to this value. */
export function changedTo(value: number): string {
  return `has more digits than a 64-bit floating-point number holds and would become ${value}; send it as a string`;
}

function checkMembers(value: object, walk: Walk): void {
  if (walk.keys.length >= MAX_JSON_DEPTH) {
    refuse(walk, `is nested deeper than ${MAX_JSON_DEPTH} levels`);
    return;
  }
  if (Array.isArray(value)) {
    value.forEach((element, index) => {
      walk.keys.push(index);
      checkValue(element, walk);
      walk.keys.pop();
    });
    return;
  }
  for (const key of Object.keys(value)) {
    walk.keys.push(key);
    if (key === '__proto__') refuse(walk, 'is a name that cannot be kept');
    checkString(key, walk);
    checkValue((value as Record<string, unknown>)[key], walk);
    walk.keys.pop();
  }
}

const VALUE_BYTES = 32;

/** About how many bytes a value takes in memory: two for each UTF-16 code unit, and 32 for each value. */
export function memoryBytesOf(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + 2 * value.length;
  if (value === null || typeof value !== 'object') return VALUE_BYTES;
  if (Buffer.isBuffer(value)) return VALUE_BYTES + value.length;
  let bytes = VALUE_BYTES;
  for (const member of Object.values(value)) bytes += memoryBytesOf(member);
  return bytes;
}
