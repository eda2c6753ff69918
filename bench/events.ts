import type { Outcome, Severity } from '../src/events/catalog.ts';
import type { JsonObject } from '../src/events/fields.ts';
import { Random } from './random.ts';

/** An event as a client would send it, with the names of the API and the stored values of its enums. */
export interface BenchEvent {
  eventType: string;
  outcome: Outcome;
  severity: Severity;
  userId: string;
  customerId: string;
  sessionId: string;
  ipAddress: string;
  userAgent: string;
  requestId: string;
  resourceType: string;
  resourceId: string;
  action: string;
  description: string;
  details: JsonObject;
  oldValues?: JsonObject;
  newValues?: JsonObject;
}

/** How many customers there are; the smaller the number of one, the more events it has. */
export const CUSTOMERS = 500;
const USERS_OF_CUSTOMER = 40;
const RESOURCES = 50_000;
const NETWORKS = 120;

const TYPES: readonly (readonly [string, number])[] = [
  ['data.read', 38],
  ['data.update', 16],
  ['data.create', 8],
  ['data.delete', 2],
  ['data.export', 1],
  ['auth.login', 14],
  ['auth.logout', 6],
  ['auth.login_failed', 4],
  ['auth.mfa_verified', 3],
  ['authz.permission_denied', 3],
  ['authz.role_assigned', 1],
  ['settings.updated', 2],
  ['config.changed', 1],
  ['security.rate_limited', 1],
];
const SEVERITIES: readonly (readonly [Severity, number])[] = [
  ['debug', 6],
  ['info', 84],
  ['warning', 7],
  ['error', 2.5],
  ['critical', 0.5],
];
const RESOURCE_TYPES = ['invoice', 'document', 'project', 'contract', 'ticket', 'report'];
const REGIONS = ['eu-central-1', 'eu-west-1', 'us-east-1', 'us-west-2', 'ap-southeast-2'];
const SERVICES = ['billing-api', 'document-store', 'web-frontend', 'identity', 'search-gateway'];
const USER_AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0',
  'Mozilla/5.0 (Macintosh; rv:127.0) Gecko/20100101 Firefox/127.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) AppleWebKit/605.1.15',
  'okhttp/4.12.0',
  'python-requests/2.32.3',
];

/** The event of a number: always the same one, of 600 to 900 bytes in its canonical form. */
export function eventOf(number: number): BenchEvent {
  const random = new Random(number);
  const eventType = random.weighted(TYPES);
  const customer = random.skewed(CUSTOMERS);
  const user = random.skewed(USERS_OF_CUSTOMER);
  const resourceType = random.of(RESOURCE_TYPES);
  const resource = random.skewed(RESOURCES);
  const isChange = eventType === 'data.update' || eventType === 'settings.updated';
  return {
    eventType,
    outcome: /failed|denied|limited/.test(eventType) ? random.of(['failure', 'denied']) : 'success',
    severity: random.weighted(SEVERITIES),
    userId: `auth0|${customer.toString(16)}-${user.toString(16).padStart(4, '0')}`,
    customerId: customerOf(customer),
    sessionId: `sess_${random.hex(12)}`,
    ipAddress: addressOf(random),
    userAgent: random.of(USER_AGENTS),
    requestId: `req_${random.hex(12)}`,
    resourceType,
    resourceId: `${resourceType}-${resource}`,
    action: eventType.replace('.', ':'),
    description: `${SERVICES[user % SERVICES.length]} did ${eventType} on ${resourceType} ${resource}`,
    details: detailsOf(random),
    ...(isChange ? { oldValues: valuesOf(random), newValues: valuesOf(random) } : {}),
  };
}

/** The id of a customer, from 0 to below `CUSTOMERS`. */
export function customerOf(number: number): string {
  return `customer-${number.toString().padStart(4, '0')}`;
}

/** A block of addresses that some events come from. */
export function networkOf(number: number): string {
  return `10.${(number % NETWORKS) + 1}.16.0/24`;
}

function addressOf(random: Random): string {
  return `10.${random.skewed(NETWORKS) + 1}.${random.below(32)}.${random.below(250) + 1}`;
}

function detailsOf(random: Random): JsonObject {
  return {
    service: random.of(SERVICES),
    region: random.of(REGIONS),
    duration_ms: random.below(4_000) / 4,
    http: { method: random.of(['GET', 'POST', 'PUT']), status: random.of([200, 201, 204, 403, 500]) },
    tags: [random.of(['web', 'mobile', 'batch']), `shard-${random.below(64)}`],
    trace: { id: random.hex(12), sampled: random.next() < 0.1 },
    // What only few events have, as a search for something rare needs it.
    ...(random.below(1_000) === 0 ? { incident: `inc-${random.below(1_000)}` } : {}),
  };
}

function valuesOf(random: Random): JsonObject {
  return { total: random.below(1_000_000) / 100 };
}
