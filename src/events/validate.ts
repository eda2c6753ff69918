import { badInput } from '../errors.ts';
import { plainAddress } from './address.ts';
import {
  CLIENT_FIELDS,
  type ClientField,
  EVENT_FIELDS,
  type EventDraft,
  type Field,
  type Kind,
  MAX_BATCH,
  MAX_EVENT_CHARACTERS,
  mapFields,
  type ObjectField,
  type RequiredField,
  type ValueOf,
} from './fields.ts';
import { checkJsonObject, type OnProblem, problemOf, throwProblem } from './json.ts';

/** An event as a caller sends it, not checked yet: names as in the GraphQL input, enums as stored. Null means absent. */
export type EventInput = { [N in RequiredField]: ValueOf<N> } & {
  [N in Exclude<ClientField, RequiredField>]?: InputValue<N>;
};
type InputValue<N extends ClientField> = N extends ObjectField ? unknown : ValueOf<N> | null | undefined;

/**
 * Checks one event. Each problem is BAD_USER_INPUT with the path of a field that cannot be stored unchanged. The result is
 * meaningless after a problem.
 */
export function checkEvent(input: EventInput, path: string, onProblem: OnProblem = throwProblem): EventDraft {
  const place: CheckedPlace = { path, onProblem, budget: { characters: MAX_EVENT_CHARACTERS } };
  // A draft has every field, absent ones too, so that all drafts have one hidden class.
  const draft: Record<string, unknown> = { ...EMPTY_DRAFT };
  for (const { name, check, defaultValue } of STEPS) {
    const value = input[name];
    if (value != null) draft[name] = check(value as never, place);
    else if (defaultValue !== undefined)
      draft[name] = typeof defaultValue === 'object' ? { ...defaultValue } : defaultValue;
  }
  draft.action ??= input.eventType;
  return draft as EventDraft;
}

/** Throws BAD_USER_INPUT unless a batch has 1 to `MAX_BATCH` events. */
export function checkBatchSize({ length }: readonly unknown[]): void {
  if (length < 1 || length > MAX_BATCH) throw badInput('input', `must hold 1 to ${MAX_BATCH} events`);
}

/** The input of an authentication event, with what its result decides. Throws BAD_USER_INPUT for a type of another category. */
export function authEvent(input: EventInput, isSuccess: boolean, path: string): EventInput {
  checkCategory(input.eventType, 'auth', path);
  const result = isSuccess
    ? ({ outcome: 'success', severity: 'info' } as const)
    : ({ outcome: 'failure', severity: 'warning' } as const);
  return { ...input, ...result, action: input.eventType };
}

/** The type and the action of an access to data: both are `data.read` for `read`. */
export function dataTypeOf(access: string): { eventType: string; action: string } {
  const eventType = `data.${access}`;
  return { eventType, action: eventType };
}

/** The input of a security event. Throws BAD_USER_INPUT for a type of another category. */
export function securityEvent(input: EventInput, path: string): EventInput {
  checkCategory(input.eventType, 'security', path);
  return { ...input, action: input.eventType };
}

function checkCategory(eventType: string, category: string, path: string): void {
  if (!eventType.startsWith(`${category}.`))
    throw badInput(`${path}.eventType`, `must be one of the ${category}.* types`);
}

/** The path of an event in the input, and the receiver of its problems. */
interface CheckedPlace {
  path: string;
  onProblem: OnProblem;
  /** Characters left for all objects together: an event that is far too large is refused early. */
  budget: { characters: number };
}

/** Checks a value of a field and returns it as it is kept. */
type Check<Value = never> = (value: Value, place: CheckedPlace) => unknown;

type Checker = (name: ClientField) => Check;

/** The checks by kind of field. The types of the API have checked the values of the other kinds. */
const CHECKERS: Partial<Record<Kind, Checker>> = {
  text: textChecker,
  address: addressChecker,
  object: objectChecker,
};
const asItIs: Check = (value) => value;

const STEPS = CLIENT_FIELDS.map((name) => {
  const { kind, defaultValue }: Field = EVENT_FIELDS[name];
  return { name, check: CHECKERS[kind]?.(name) ?? asItIs, defaultValue };
});
const EMPTY_DRAFT = mapFields(CLIENT_FIELDS, () => undefined);

function textChecker(name: ClientField): Check<string> {
  const { maxLength = 0, traits }: Field = EVENT_FIELDS[name];
  const mustNotBeEmpty = traits.includes('notEmpty');
  const mustNotBeBlank = traits.includes('notBlank');
  return (text, { path, onProblem }) => {
    const problem = problemOf(text);
    if (problem !== undefined) onProblem(badInput(`${path}.${name}`, problem));
    else if (text.length > maxLength)
      onProblem(badInput(`${path}.${name}`, `is longer than ${maxLength} characters`));
    else if ((mustNotBeEmpty && text === '') || (mustNotBeBlank && text.trim() === ''))
      onProblem(badInput(`${path}.${name}`, 'must not be empty'));
    return text;
  };
}

function addressChecker(name: ClientField): Check<string> {
  return (text, { path, onProblem }) => {
    const address = plainAddress(text);
    if (address === undefined) onProblem(badInput(`${path}.${name}`, 'must be an IPv4 or IPv6 address'));
    return address ?? text;
  };
}

function objectChecker(name: ClientField): Check<unknown> {
  return (object, { path, budget, onProblem }) =>
    checkJsonObject(object, `${path}.${name}`, { budget, onProblem });
}
