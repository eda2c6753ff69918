import { badInput } from '../../errors.ts';
import type { EventDraft } from '../event.ts';
import type { EventFilter } from '../filter.ts';
import { type PolicyText, parseFieldRules, type Treatment } from './fields.ts';
import { hashedFilter } from './hashed-filter.ts';
import { createMembers } from './members.ts';
import { createNames } from './names.ts';
import { createPseudonym } from './pseudonym.ts';
import { REDACTED } from './replaced.ts';
import { createTextRedaction } from './text.ts';

const TEXTS: readonly PolicyText[] = [
  'userId',
  'sessionId',
  'requestId',
  'userAgent',
  'resourceType',
  'resourceId',
  'action',
  'description',
];
const OBJECTS = ['details', 'oldValues', 'newValues'] as const;

/** What a deployment decides about redaction. */
export interface RedactionRules {
  /** Further names whose values are redacted. */
  names?: readonly string[];
  /** Rules for single fields, as `parseFieldRules` takes them. */
  fields?: readonly string[];
  /** The secret of the keyed hashes, the same in every instance. */
  hashKey: Uint8Array;
}

/** Redaction: nothing is stored, hashed, logged or shown to a reader before it. */
export interface Redaction {
  /**
   * The event without its secrets, and with the hashes that the rules ask for. The draft itself is not changed. Throws
   * BAD_USER_INPUT when `customerId` holds a credential: with something else in its place it would be another customer.
   */
  event(draft: EventDraft, path: string): EventDraft;
  /** The filter that finds what was stored: its values are hashed where those of events are. */
  filter(filter: EventFilter): EventFilter;
  /** Throws BAD_USER_INPUT when a text that has to stay as it is holds a credential. */
  refuse(text: string, path: string): void;
}

/** Makes the redaction of a deployment. Throws an error when a rule cannot be read. */
export function createRedaction({ names = [], fields = [], hashKey }: RedactionRules): Redaction {
  const rules = parseFieldRules(fields);
  const sensitivityOf = createNames(names);
  const { redactText, holdsCredential } = createTextRedaction(sensitivityOf, names);
  const hash = createPseudonym(hashKey);
  const redactMembers = createMembers({ sensitivityOf, redactText, hash });
  const refuse = (text: string, path: string) => {
    if (holdsCredential(text)) throw badInput(path, 'must not hold a password, a token or a key');
  };
  const treat = (text: string, treatment: Treatment | undefined) => {
    if (treatment === undefined) return redactText(text);
    if (treatment === 'keep') return text;
    return treatment === 'hash' ? hash(text) : REDACTED;
  };
  return {
    event(draft, path) {
      if (draft.customerId !== undefined) refuse(draft.customerId, `${path}.customerId`);
      const changes: Partial<EventDraft> = {};
      for (const field of TEXTS) {
        const text = draft[field];
        if (!text) continue;
        const kept = treat(text, rules.texts.get(field));
        if (kept !== text) changes[field] = kept;
      }
      for (const field of OBJECTS) {
        const object = draft[field];
        if (!object) continue;
        const kept = redactMembers(object, rules.objects[field]);
        if (kept !== object) changes[field] = kept;
      }
      const { idempotencyKey } = draft;
      // Two keys that hold different secrets stay two.
      if (idempotencyKey !== undefined && redactText(idempotencyKey) !== idempotencyKey)
        changes.idempotencyKey = hash(idempotencyKey);
      if (Object.keys(changes).length === 0 && !rules.dropsAddress) return draft;
      const copy = { ...draft, ...changes };
      if (rules.dropsAddress) delete copy.ipAddress;
      return copy;
    },
    filter: (filter) => hashedFilter(filter, rules, hash),
    refuse,
  };
}
