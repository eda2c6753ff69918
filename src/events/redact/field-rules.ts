import {
  mapFields,
  OBJECT_FIELDS,
  type ObjectField,
  REDACTED_TEXTS,
  type RedactedText,
  type TextField,
} from '../fields.ts';

/** The treatment of a field: replaced as a whole, replaced by its keyed hash, or kept unchanged, with any secrets. */
export type Treatment = 'redact' | 'hash' | 'keep';

/** The treatment of a path, and the rules below it. */
export class PathRules {
  treatment: Treatment | undefined;
  readonly members = new Map<string, PathRules>();

  /** The rules below a key. */
  below(key: string): PathRules | undefined {
    return this.members.get(key) ?? this.members.get('*');
  }
}

/** The rules of a deployment. Fields without a rule are redacted by names and forms. */
export interface FieldRules {
  texts: Map<TextField, Treatment>;
  objects: Record<ObjectField, PathRules>;
  /** Whether `ipAddress` is removed. */
  dropsAddress: boolean;
}

const TREATMENTS: readonly string[] = ['redact', 'hash', 'keep'];

/**
 * Parses rules, each `FIELD:redact`, `FIELD:hash` or `FIELD:keep`. FIELD is a text field (`userId`), `ipAddress` (not with
 * hash), or a path in an object (`details.user.email`; `*` matches any one key; the elements of an array have the path of
 * the array). Throws an error that names the invalid rule.
 */
export function parseFieldRules(rules: readonly string[]): FieldRules {
  const parsed: FieldRules = {
    texts: new Map(),
    objects: mapFields(OBJECT_FIELDS, () => new PathRules()),
    dropsAddress: false,
  };
  for (const rule of rules) addRule(parsed, rule);
  return parsed;
}

function addRule(rules: FieldRules, rule: string): void {
  const [field = '', treatment = '', ...more] = rule.split(':');
  if (more.length > 0 || !isTreatment(treatment)) throw wrong(rule, 'must be FIELD:redact, :hash or :keep');
  const [head = '', ...path] = field.split('.');
  if (isObjectField(rules, head)) addPath(rules.objects[head], path, treatment, rule);
  else if (path.length > 0) throw wrong(rule, `only ${OBJECT_FIELDS.join(', ')} have paths`);
  else if (isText(head)) rules.texts.set(head, treatment);
  else if (head !== 'ipAddress') throw wrong(rule, 'is of no field that may have a rule');
  else if (treatment === 'hash') throw wrong(rule, 'an address cannot hold a hash');
  else rules.dropsAddress = treatment === 'redact';
}

function addPath(root: PathRules, path: string[], treatment: Treatment, rule: string): void {
  if (path.length === 0) throw wrong(rule, 'must name a path in it, such as .email or .*');
  let at = root;
  for (const key of path) {
    if (key === '') throw wrong(rule, 'has an empty part');
    const next = at.members.get(key) ?? new PathRules();
    at.members.set(key, next);
    at = next;
  }
  at.treatment = treatment;
}

function isTreatment(text: string): text is Treatment {
  return TREATMENTS.includes(text);
}

function isText(field: string): field is RedactedText {
  return REDACTED_TEXTS.includes(field as RedactedText);
}

function isObjectField(rules: FieldRules, field: string): field is ObjectField {
  return Object.hasOwn(rules.objects, field);
}

function wrong(rule: string, why: string): Error {
  return new Error(`"${rule}" ${why}`);
}
