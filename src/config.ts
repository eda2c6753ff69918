import { z } from 'zod';
import { META_KINDS } from './audit/activity-totals.ts';
import { SCOPES, type Scope } from './auth/principal-and-scopes.ts';
import { parseClaimPath } from './auth/token-claims.ts';
import { parseIssuer } from './auth/token-issuers.ts';
import { TOKEN_ALGORITHMS } from './auth/tokens.ts';
import { type AddressBlock, parseBlock } from './events/address.ts';
import { SEVERITIES } from './events/catalog.ts';
import { parseFieldRules } from './events/redact/field-rules.ts';
import { MAX_AGE_DAYS } from './events/time.ts';
import { MAX_WITNESSES, parseWitness, type Witness } from './evidence/witness-protocol.ts';

const wholeNumber = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const parsedBy = <T>(parse: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
const witness = parsedBy(parseWitness);
const block = z.string().transform((text, context): AddressBlock => {
  const parsed = parseBlock(text);
  if (!parsed) context.addIssue({ code: 'custom', message: 'must be addresses or CIDR blocks' });
  return parsed ?? z.NEVER;
});
const areFieldRules = (rules: readonly string[], context: z.RefinementCtx) => {
  try {
    parseFieldRules(rules);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
};
const metaKinds = z
  .string()
  .transform((text) => (text === 'all' ? META_KINDS.join() : text === 'none' ? '' : text))
  .pipe(list)
  .pipe(z.array(z.enum(META_KINDS)))
  .readonly();
const areDistinct = (witnesses: readonly Witness[]) =>
  new Set(witnesses.map(({ verifier: { name, keyId } }) => `${name}+${keyId}`)).size === witnesses.length;

// Over http, an attacker on the network could keep the note and answer that it was received.
function isWebhook(text: string): boolean {
  const { protocol, hostname, username, password } = new URL(text);
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
  return (protocol === 'https:' || (protocol === 'http:' && isLocal)) && !username && !password;
}

const databaseAddress = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'must be an address such as postgresql://USER:PASSWORD@HOST:5432/DATABASE',
});

const origin = z
  .string()
  .refine((text) => text === '*' || (URL.canParse(text) && new URL(text).origin === text), {
    message: 'must be origins such as https://app.example, or *',
  });

// `auditors=events:read events:export,operators=admin`
const scopeMap = list
  .pipe(z.array(z.string().regex(/^.+=[\w: ]+$/, 'must be VALUE=SCOPE SCOPE')))
  .transform((pairs, context) => {
    const map = new Map<string, Scope[]>();
    for (const pair of pairs) {
      const at = pair.lastIndexOf('=');
      const result = z.array(z.enum(SCOPES)).safeParse(
        pair
          .slice(at + 1)
          .trim()
          .split(/ +/),
      );
      if (result.success) map.set(pair.slice(0, at).trim(), result.data);
      else context.addIssue({ code: 'custom', message: `must name scopes: ${SCOPES.join(', ')}` });
    }
    return map;
  });

const settings = z.object({
  /** A PostgreSQL 14 or newer; unset: an embedded one under `DATA_DIR`. */
  DATABASE_URL: databaseAddress.optional(),
  /** The same database as the owner of its tables: migrations, keys, retention; unset: `DATABASE_URL` is the owner's. */
  DATABASE_ADMIN_URL: databaseAddress.optional(),
  /** Where the embedded PostgreSQL keeps its data. */
  DATA_DIR: z.string().default('.data'),
  /** Address to listen on. */
  HOST: z.string().default('127.0.0.1'),
  /** Port to listen on; 0: any free one. */
  PORT: wholeNumber(0, 65_535).default(4000),
  /** The admin's API key; unset: one is made on first start, stored hashed, and printed once. */
  ADMIN_API_KEY: z.string().min(32).optional(),
  /** Issuers whose tokens (JWT, OpenID Connect) are accepted beside API keys, each `ISSUER JWKS_URL`, https or on this machine. */
  JWT_ISSUERS: list.pipe(z.array(parsedBy(parseIssuer)).max(16)).default([]),
  /** Audiences of this service: the `aud` of a token must name one of them. */
  JWT_AUDIENCE: list.default([]),
  /** Accepted algorithms of tokens; only asymmetric ones exist here. */
  JWT_ALGORITHMS: list
    .pipe(z.array(z.enum(TOKEN_ALGORITHMS)).min(1))
    .default(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']),
  /** By how much the clock of an issuer may differ, in milliseconds. */
  JWT_CLOCK_TOLERANCE_MS: wholeNumber(0, 300_000).default(5_000),
  /** The claim with the scopes, an array or words separated by spaces: its name, or a JSON Pointer (`/realm_access/roles`). */
  JWT_SCOPES_CLAIM: z.string().transform(parseClaimPath).default(['scope']),
  /** The scopes that values of that claim give (`auditors=events:read events:export,ops=admin`); unset: the values are scopes. */
  JWT_SCOPE_MAP: scopeMap.optional(),
  /** The claim with the customer that a token is bound to; when it is set, only admins may have a token without it. */
  JWT_CUSTOMER_CLAIM: z.string().transform(parseClaimPath).optional(),
  /** A segment of the log holds 2^SEGMENT_BITS events; fixed when the log is made. */
  SEGMENT_BITS: wholeNumber(8, 30).default(20),
  /** The log's name in its checkpoints, like a URL without a scheme; unset: a random one, fixed on first start. */
  ORIGIN: z
    .string()
    .regex(/^[^\s+\p{Cc}]{1,200}$/u, 'must be up to 200 characters without spaces and plus')
    .optional(),
  /** The log's Ed25519 private key (PEM); made there on the first start; unset: `signing-key.pem` in `DATA_DIR`. */
  SIGNING_KEY_FILE: z.string().optional(),
  /** Time between checkpoints while the log grows, in milliseconds. */
  CHECKPOINT_INTERVAL_MS: wholeNumber(100, 3_600_000).default(1_000),
  /** Time after which the checkpoint of an idle log gets a new timestamp, in milliseconds. */
  CHECKPOINT_HEARTBEAT_MS: wholeNumber(100, 86_400_000).default(60_000),
  /** Whether checkpoints and hashes of the log (never events) are served without a key. */
  PUBLIC_EVIDENCE: z.stringbool().default(false),
  /**
   * Witnesses that cosign the log's checkpoints (C2SP tlog-witness), each `KEY@URL`: its verifier key (Ed25519
   * cosignatures) and its submission prefix.
   */
  WITNESSES: list
    .pipe(z.array(witness).max(MAX_WITNESSES).refine(areDistinct, 'must name each key once'))
    .default([]),
  /** Shortest time between two checkpoints that a witness gets, in milliseconds. */
  WITNESS_INTERVAL_MS: wholeNumber(100, 3_600_000).default(10_000),
  /** A file that checkpoints are appended to, best where the users of the database cannot write. */
  ANCHOR_FILE: z.string().optional(),
  /** An https URL (or http on this machine) that checkpoints are posted to, as text. */
  ANCHOR_WEBHOOK: z
    .url()
    .refine((text) => URL.canParse(text) && isWebhook(text), 'must be https, or http on this machine')
    .optional(),
  /** Time between two checkpoints in the file and at the webhook, in milliseconds; also at start and stop. */
  ANCHOR_INTERVAL_MS: wholeNumber(100, 604_800_000).default(3_600_000),
  /** Longest time for a request to a witness, the webhook or an issuer of tokens, in milliseconds. */
  OUTBOUND_TIMEOUT_MS: wholeNumber(10, 600_000).default(10_000),
  /** Events recorded more days ago are removed, hourly; unset: none are removed. */
  RETENTION_DAYS: wholeNumber(1, MAX_AGE_DAYS).optional(),
  /** How many days an idempotency key is kept at least, by the clock of the database; unset: for ever. */
  IDEMPOTENCY_DAYS: wholeNumber(1, MAX_AGE_DAYS).optional(),
  /** Largest share of the log, in percent, that is removed at once; for a larger one nothing is removed and an error is logged. */
  RETENTION_MAX_PERCENT: wholeNumber(1, 100).default(20),
  /** Event types of this deployment, for example `billing.invoice_paid,billing.refund`. */
  EVENT_TYPES: list.pipe(z.array(z.string().regex(/^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/))).default([]),
  /** Names whose values are redacted, beside the built-in nine. */
  REDACT_NAMES: list.default([]),
  /** Rules for single fields, each `FIELD:redact`, `FIELD:hash` or `FIELD:keep`, for example `userId:hash`. */
  REDACT_FIELDS: list.pipe(z.array(z.string()).superRefine(areFieldRules)).default([]),
  /** The secret of the keyed hashes; unset: one is made on first start and kept in the database. */
  REDACT_HASH_KEY: z.string().min(32).optional(),
  /** A module that exports `filters` and `handlers`, as a path from the working directory. */
  PIPELINE_MODULE: z.string().optional(),
  /** Longest time the filters may take over a mutation, in milliseconds, before it fails with TIMEOUT. */
  FILTER_TIMEOUT_MS: wholeNumber(1, 600_000).default(5_000),
  /** Longest time a handler may take for an event, in milliseconds, before it is reported. */
  HANDLER_TIMEOUT_MS: wholeNumber(1, 600_000).default(5_000),
  /** Events of at least this severity also go to the log of the service, at level warn at most; `off`: none. */
  LOG_EVENTS: z.enum([...SEVERITIES, 'off']).default('warning'),
  /** Which uses of the log itself are recorded as events: `all`, `none`, or some of the kinds. */
  META_AUDIT: metaKinds.default(META_KINDS),
  /** Time over which reads and failed authentications are summed up into an event, in milliseconds; a crash loses that event. */
  META_AUDIT_INTERVAL_MS: wholeNumber(100, 3_600_000).default(60_000),
  /** Level of the service's own log lines. */
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Time between two pings of a WebSocket, in milliseconds; a socket that sends nothing during five pings is closed. */
  KEEP_ALIVE_MS: wholeNumber(10, 600_000).default(12_000),
  /** When the service stops: how long a connection that was just used stays open for one more request, in milliseconds. */
  STOP_IDLE_MS: wholeNumber(0, 60_000).default(1_000),
  /** When the service stops: how long it serves although it is not ready, so that balancers leave, in milliseconds. */
  STOP_DELAY_MS: wholeNumber(0, 60_000).default(0),
  /** Largest request body, in bytes. */
  MAX_BODY_BYTES: wholeNumber(1_024, 268_435_456).default(16_777_216),
  /** Most requests that are being answered at a time, without event streams; more get OVERLOADED. */
  MAX_REQUESTS: wholeNumber(1, 1_000_000).default(5_000),
  /** Most bytes of responses that wait to be read by clients; above it, the connections with the oldest ones are closed. */
  MAX_UNSENT_BYTES: wholeNumber(1_048_576, 1_099_511_627_776).default(268_435_456),
  /** Most connections, WebSockets and event streams included; more are closed at once. */
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000).default(20_000),
  /** Longest time for the headers of a request to arrive, in milliseconds. */
  HEADERS_TIMEOUT_MS: wholeNumber(100, 600_000).default(10_000),
  /** Longest time for a whole request to arrive, in milliseconds. */
  REQUEST_TIMEOUT_MS: wholeNumber(100, 3_600_000).default(60_000),
  /** Further host names, without ports, that the service answers to; needed behind a proxy on the same machine. */
  ALLOWED_HOSTS: list.default([]),
  /** Trusted proxies, as addresses or CIDR blocks: their `X-Forwarded-For` gives the client's address. */
  TRUSTED_PROXIES: list.pipe(z.array(block)).default([]),
  /** Origins whose pages may use the service from a browser, for example `https://app.example`; `*`: all. */
  CORS_ORIGINS: list.pipe(z.array(origin)).default([]),
  /** Whether the schema is shown to clients (`__schema`, `__type`, suggestions of names). */
  INTROSPECTION: z.stringbool().default(true),
  /** A JSON file of documents by their SHA-256 in hex; clients name them as `documentId` or `persistedQuery`. */
  PERSISTED_DOCUMENTS: z.string().optional(),
  /** Whether no other documents are served, also not to GraphiQL. */
  PERSISTED_ONLY: z.stringbool().default(false),
  /** Whether GraphiQL is served. */
  GRAPHIQL: z.stringbool().default(true),
  /** Points that a key may spend in a minute, over all instances; a quiet key may spend as many at once. 0: any number. */
  RATE_LIMIT: wholeNumber(0, 1_000_000_000_000).default(60_000_000),
  /** Wrong API keys and tokens that may come from an address in a minute; 0: any number. */
  AUTH_FAILURES: wholeNumber(0, 1_000_000).default(300),
  /** Most live subscriptions of an instance, and of one key there. */
  MAX_SUBSCRIPTIONS: wholeNumber(0, 10_000).default(10_000),
  MAX_SUBSCRIPTIONS_PER_KEY: wholeNumber(0, 10_000).default(5_000),
  /** Most bytes that the documents and variables of live subscriptions take in an instance, and those of one key there. */
  MAX_SUBSCRIPTION_BYTES: wholeNumber(0, 1_099_511_627_776).default(268_435_456),
  MAX_SUBSCRIPTION_BYTES_PER_KEY: wholeNumber(0, 1_099_511_627_776).default(67_108_864),
  /** Highest cost of an operation, in points: a field of an event costs 1, a page of 1,000 whole events 40,000. */
  MAX_QUERY_COST: wholeNumber(1_000, 1_000_000_000).default(100_000),
});

/** The names of all settings. */
export const SETTING_NAMES: readonly string[] = Object.keys(settings.shape);

const schema = settings.refine(
  (config) => config.JWT_ISSUERS.length === 0 || config.JWT_AUDIENCE.length > 0,
  {
    path: ['JWT_AUDIENCE'],
    message: 'must be set with JWT_ISSUERS: tokens for other services must not be accepted',
  },
);

/** The settings of the service, checked and frozen. Names, units and defaults: see `.env.example`. */
export type Config = Readonly<z.infer<typeof schema>>;

/** Reads the settings; throws an error that names every problem at once. Empty values count as unset. */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  if (result.success) return Object.freeze(result.data);
  const problems = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the configuration has problems:\n${problems.join('\n')}`);
}

const LISTEN_ADVICE: Record<string, string> = {
  EADDRINUSE: 'another program listens there: stop it, or set PORT to a free port (0: any)',
  EACCES: 'this user may not listen there: set PORT to one of 1024 or more',
};
const OTHER_LISTEN_ADVICE =
  'set HOST to an address of this machine (127.0.0.1: this machine alone, 0.0.0.0: all)';

/** Runs a step of the start that depends on a setting. Its errors name the setting and say what to do. */
export async function namingSetting<T>(
  setting: string,
  advice: string | ((error: NodeJS.ErrnoException) => string),
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const message = messageOf(error);
    if (message.includes(setting)) throw error;
    const toDo = typeof advice === 'string' ? advice : advice(error as NodeJS.ErrnoException);
    throw new Error(`${setting}: ${message}; ${toDo}`, { cause: error });
  }
}

/** The name of the setting with which the owner of the tables connects. */
export function ownerSetting({ DATABASE_ADMIN_URL, DATABASE_URL, DATA_DIR }: Config): string {
  if (DATABASE_ADMIN_URL !== undefined) return 'DATABASE_ADMIN_URL';
  return DATABASE_URL === undefined ? `the PostgreSQL under DATA_DIR (${DATA_DIR})` : 'DATABASE_URL';
}

export function listenAdvice({ code = '' }: NodeJS.ErrnoException): string {
  return LISTEN_ADVICE[code] ?? OTHER_LISTEN_ADVICE;
}

// The AggregateError of a host name with several addresses has no message.
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ');
  return (error as Error).message;
}
