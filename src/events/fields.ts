import type { Outcome, Severity } from './catalog.ts';

/** A JSON object as the log keeps it. */
export type JsonObject = { [key: string]: JsonValue };
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** Deepest nesting of objects and arrays in a field that is an object. */
export const MAX_JSON_DEPTH = 32;
/** Most members and elements in one of them, all levels together. */
export const MAX_JSON_VALUES = 10_000;
/** Longest canonical form of an event, in bytes: the most that an entry of a C2SP tlog-tiles bundle can hold. */
export const MAX_EVENT_BYTES = 65_535;
/**
 * Most characters of an event before redaction: its texts, and the keys and texts of its objects. Redaction shortens an
 * event, so this is more than `MAX_EVENT_BYTES`; it bounds the work on an event that is too large in any case.
 */
export const MAX_EVENT_CHARACTERS = 131_072;
/** Most members and elements in the `details` of a filter: each is compared with each element of an event's array. */
export const MAX_FILTER_VALUES = 100;
/** Most events in one `logEvents`. */
export const MAX_BATCH = 1_000;

/** The kinds of fields, each with the type that its values have in memory. */
export interface Values {
  /** A text of bounded length. */
  text: string;
  object: JsonObject;
  /** Milliseconds since 1970. */
  time: number;
  /** An IPv4 or IPv6 address in the form of RFC 5952. */
  address: string;
  eventType: string;
  outcome: Outcome;
  severity: Severity;
  /** `audit_` and the 32 hex digits of a UUIDv7. */
  id: string;
  /** 16 bytes as 32 hex digits. */
  salt: string;
  /** 0-based, gap-free, in commit order: the leaf index. */
  position: number;
  /** SHA-256, 32 bytes. */
  hash: Buffer;
}
export type Kind = keyof Values;

/** What else is true of a field. */
export type Trait =
  /** The log writes it; a client cannot. */
  | 'byLog'
  /** A client must give it. */
  | 'required'
  /** Every event has it: the log adds what a client leaves out. */
  | 'always'
  /** It is stored beside the event, not in it. */
  | 'notInEvent'
  /** The inputs of logAuthEvent, logDataEvent and logSecurityEvent have it too. */
  | 'context'
  /** A filter can ask for an equal value. */
  | 'equality'
  /** A search finds its words. */
  | 'search'
  /** An empty text is refused. */
  | 'notEmpty'
  /** A text of white space alone is refused. */
  | 'notBlank'
  /** A text with a credential is refused. In texts without this trait and the next, credentials are redacted. */
  | 'refuseSecrets'
  /** A text with a credential is replaced by its keyed hash. */
  | 'hashSecrets';

/** A field of an event. Its name in SQL, in the canonical form and in exports is the name in snake_case. */
export interface Field<K extends Kind = Kind, T extends Trait = Trait> {
  readonly kind: K;
  readonly traits: readonly T[];
  /** What it says of an event, for the documentation of the API, with the bound. */
  readonly description: string;
  /** What it says where a client gives it, if that is something else. */
  readonly inputDescription?: string;
  /** Most characters of a text, in UTF-16 code units. */
  readonly maxLength?: number;
  /** What the API records when a client gives none. */
  readonly defaultValue?: Values[K];
}

/**
 * The fields of an event. A new optional text takes one line here, such as `text(256, 'What it says.', 'context')`, a
 * migration that adds its column, the column in `prisma/schema.prisma`, and `npm run regenerate`.
 *
 * The order is that of the columns of a CSV. A field that events were recorded with keeps its name, its kind and `search`:
 * its name and value are in their canonical form, and its words are stored.
 */
export const EVENT_FIELDS = {
  id: byLog('id', '"audit_" and 32 hex digits of a UUIDv7: the same in every interface and export.'),
  idempotencyKey: text(
    256,
    'Makes a retry safe: the same key again for the same customer (or again for none), however late, returns the first event and records nothing; with other content it is an error (CONFLICT).',
    'context',
    'notInEvent',
    'notEmpty',
    'hashSecrets',
  ),
  timestamp: {
    ...field('time', 'When it happened: what the application said, else the time of receipt.', 'always'),
    inputDescription: 'When it happened, by the clock of the application; absent: the time of receipt.',
  },
  eventType: field('eventType', 'What happened.', 'required'),
  outcome: { ...field('outcome', 'How it ended.', 'always'), defaultValue: 'success' },
  severity: { ...field('severity', 'How much it matters.', 'always'), defaultValue: 'info' },
  userId: text(256, 'Who acted.', 'context', 'equality', 'search'),
  customerId: text(
    256,
    'The customer (tenant) on whose data or on whose behalf.',
    'context',
    'equality',
    'search',
    'refuseSecrets',
  ),
  resourceType: text(256, 'The kind of resource that was acted on, such as "invoice".', 'equality', 'search'),
  resourceId: text(1_024, 'The resource that was acted on.', 'equality', 'search'),
  action: text(
    256,
    'What was done, in the words of the application; absent: the dotted name of the event type.',
    'always',
    'notBlank',
    'equality',
    'search',
  ),
  description: { ...text(2_000, 'What happened, for people.', 'always', 'search'), defaultValue: '' },
  ipAddress: field(
    'address',
    'From which address: IPv4 or IPv6, in canonical form; an IPv4-mapped address (::ffff:192.0.2.1) is recorded as IPv4.',
    'context',
  ),
  sessionId: text(256, 'The session in which it happened.', 'context', 'equality', 'search'),
  userAgent: text(2_000, 'With which program, as its User-Agent says.', 'context', 'search'),
  requestId: text(
    256,
    'The request that caused it, to find it in other logs.',
    'context',
    'equality',
    'search',
  ),
  details: { ...object('Anything else, as a JSON object.', 'always', 'context'), defaultValue: {} },
  oldValues: object('The values before a change.', 'search'),
  newValues: object('The values after a change.', 'search'),
  recordedAt: byLog('time', 'When the service received it, by the clock of the service.'),
  salt: byLog('salt', '16 random bytes: they keep the content unguessable from the leaf hash alone.'),
  position: byLog('position', '0-based, gap-free, in commit order: the leaf index.'),
  leafHash: byLog('hash', 'Lower-case hex of SHA-256(0x00 || canonical bytes).'),
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof EVENT_FIELDS;
type Table = typeof EVENT_FIELDS;
/** The type of a field's values. */
export type ValueOf<Name extends FieldName> = Values[Table[Name]['kind']];

/** The names of the fields of a kind. */
type OfKind<K extends Kind> = { [N in FieldName]: Table[N]['kind'] extends K ? N : never }[FieldName];
/** The names of the fields with one of these traits. */
type With<T extends Trait> = {
  [N in FieldName]: [Extract<Table[N]['traits'][number], T>] extends [never] ? never : N;
}[FieldName];

export type ClientField = Exclude<FieldName, With<'byLog'>>;
export type StoredField = Exclude<FieldName, With<'notInEvent'>>;
/** Of the canonical form, beside the version. */
export type CanonicalField = Exclude<StoredField, OfKind<'position' | 'hash'>>;
/** Every event has it. */
export type AlwaysField = With<'always' | 'required'>;
/** A client must give it. */
export type RequiredField = With<'required'>;
export type ContextField = With<'context'>;
export type TextField = OfKind<'text'>;
export type ObjectField = OfKind<'object'>;
export type SearchedField = With<'search'>;
export type EqualityField = Extract<With<'equality'>, TextField>;
type RefusingText = Extract<With<'refuseSecrets'>, TextField>;
type HashedText = Extract<With<'hashSecrets'>, TextField>;
/** A text whose secrets are redacted in place. */
export type RedactedText = Exclude<TextField, RefusingText | HashedText>;

export const CLIENT_FIELDS = select<ClientField>(({ traits }) => !traits.includes('byLog'));
export const STORED_FIELDS = select<StoredField>(({ traits }) => !traits.includes('notInEvent'));
export const CANONICAL_FIELDS = select<CanonicalField>(
  ({ kind, traits }) => !traits.includes('notInEvent') && kind !== 'position' && kind !== 'hash',
);
export const CONTEXT_FIELDS = select<ContextField>(({ traits }) => traits.includes('context'));
export const TEXT_FIELDS = select<TextField>(({ kind }) => kind === 'text');
export const OBJECT_FIELDS = select<ObjectField>(({ kind }) => kind === 'object');
/** The fields that a filter compares for equality. */
export const EQUALITY_FIELDS = select<EqualityField>(({ traits }) => traits.includes('equality'));
export const SEARCHED_FIELDS = select<SearchedField>(({ traits }) => traits.includes('search'));
export const REDACTED_TEXTS = select<RedactedText>(
  ({ kind, traits }) =>
    kind === 'text' && !traits.includes('refuseSecrets') && !traits.includes('hashSecrets'),
);
export const REFUSING_TEXTS = select<RefusingText>(({ traits }) => traits.includes('refuseSecrets'));
export const HASHED_TEXTS = select<HashedText>(({ traits }) => traits.includes('hashSecrets'));

/** An event without values. Copies of it have one hidden class, so that V8 reads their fields faster. */
export const EMPTY_EVENT: Readonly<Record<StoredField, undefined>> = mapFields(
  STORED_FIELDS,
  () => undefined,
);

/** Longest values of the text fields, in UTF-16 code units. */
export const TEXT_BOUNDS = mapFields(TEXT_FIELDS, (name): number => EVENT_FIELDS[name].maxLength);

/** The name of a field in SQL, in the canonical form, and in exports. */
export type Column<Name extends string> = Name extends `${infer Head}${infer Tail}`
  ? Tail extends Uncapitalize<Tail>
    ? `${Lowercase<Head>}${Column<Tail>}`
    : `${Lowercase<Head>}_${Column<Tail>}`
  : Name;

export function columnOf<Name extends FieldName>(name: Name): Column<Name> {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as Column<Name>;
}

/** Whether every event has the field. */
export function isAlways(name: FieldName): boolean {
  const traits = traitsOf(name);
  return traits.includes('always') || traits.includes('required');
}

export function traitsOf(name: FieldName): readonly Trait[] {
  return EVENT_FIELDS[name].traits;
}

/** An object with a member for each of the names. */
export function mapFields<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Value,
): { [N in Name]: Value } {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as { [N in Name]: Value };
}

/** What the API says of a field where a client gives it. */
export function inputDescriptionOf(name: ClientField): string {
  const { description, inputDescription = description }: Field = EVENT_FIELDS[name];
  return inputDescription;
}

/** What a caller says of an event, validated: every text within its bounds, times in milliseconds since 1970. */
export type EventDraft = {
  -readonly [N in keyof Table as N extends DraftedAlways ? N : never]: ValueOf<N>;
} & {
  -readonly [N in keyof Table as N extends Exclude<ClientField, DraftedAlways> ? N : never]?:
    | ValueOf<N>
    | undefined;
};
/** Of the fields that every event has, the log adds the time by itself. */
type DraftedAlways = Exclude<ClientField & AlwaysField, OfKind<'time'>>;

/** An event with its identity, before it has a place in the log. */
export type EventRecord = FieldsOf<CanonicalField>;

/** An event of the log. */
export type AuditEvent = FieldsOf<StoredField>;

/** These fields of an event, those that not every event has as optional ones. */
export type FieldsOf<Names extends FieldName> = {
  -readonly [N in keyof Table as N extends Names & AlwaysField ? N : never]: ValueOf<N>;
} & {
  -readonly [N in keyof Table as N extends Exclude<Names, AlwaysField> ? N : never]?: ValueOf<N> | undefined;
};

// These functions make the rows of the table. Their types keep the kind and the traits of each row.

function field<const K extends Kind, const T extends Trait = never>(
  kind: K,
  description: string,
  ...traits: readonly T[]
) {
  return { kind, description, traits } as const;
}

function text<const T extends Trait = never>(
  maxLength: number,
  description: string,
  ...traits: readonly T[]
) {
  const bounded = `${description} Up to ${maxLength} characters.`;
  return { ...field('text', bounded, ...traits), maxLength } as const;
}

function object<const T extends Trait = never>(description: string, ...traits: readonly T[]) {
  const bounds = `Up to ${MAX_JSON_DEPTH} levels and ${MAX_JSON_VALUES} values; the whole event takes up to ${MAX_EVENT_BYTES} bytes.`;
  return field('object', `${description} ${bounds}`, ...traits);
}

function byLog<const K extends Kind>(kind: K, description: string) {
  return field(kind, description, 'byLog', 'always');
}

function select<Name extends FieldName>(isOne: (field: Field, name: string) => boolean): readonly Name[] {
  const names = Object.keys(EVENT_FIELDS) as FieldName[];
  return names.filter((name): name is Name => isOne(EVENT_FIELDS[name], name));
}
