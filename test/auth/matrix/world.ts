import type { Answer, TestService } from '../../support/service.ts';

/** What only the events of globex have, by the field of an event. */
export const FOREIGN = {
  userId: 'globex-user',
  sessionId: 'globex-session',
  requestId: 'globex-request',
  ipAddress: '198.51.100.7',
  resourceType: 'globex-vault',
  resourceId: 'globex-7',
  action: 'globex-open',
  description: 'globexword',
  details: { globexkey: 'globexvalue' },
  oldValues: { globexold: 'globexbefore' },
  newValues: { globexnew: 'globexafter' },
  eventType: 'SETTINGS_UPDATED',
  outcome: 'DENIED',
  severity: 'CRITICAL',
} as const;

/** Whatever is in an answer that acme may not see. */
export const FOREIGN_MARK = /globex|198\.51\.100\.7|SETTINGS_UPDATED|DENIED/i;

const START = Date.parse('2026-03-01T00:00:00Z');
/** The time of the event at a place in the world. */
export const timeAt = (place: number, ms = 0) => new Date(START + place * 60_000 + ms).toISOString();

export interface Seen {
  id: string;
  position: number;
  cursor: string;
}

/** The events of the world, as the admin sees them, and those of each customer. */
export interface World {
  acme: Seen[];
  globex: Seen[];
}

const LOG = 'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }';
const SEEN = `query ($customerId: String) {
  auditEvents(filter: { customerId: $customerId }, orderBy: POSITION_ASC) { edges { cursor node { id position } } }
}`;

/**
 * Two customers, whose events alternate: globex has the places 0, 2 and 4, acme 1 and 3, and 5 is nobody's. Their trees
 * are signed.
 */
export async function createWorld(service: TestService): Promise<World> {
  const globex = { ...FOREIGN, customerId: 'globex' };
  const acme = { eventType: 'AUTH_LOGIN', customerId: 'acme', userId: 'acme-user' };
  const input = [globex, acme, globex, acme, globex, { eventType: 'DATA_READ' }].map((event, place) => ({
    ...event,
    timestamp: timeAt(place),
  }));
  await data(service.ask(LOG, { input }));
  for (const customerId of ['acme', 'globex', undefined])
    await data(
      service.ask('query ($customerId: String) { checkpoint(customerId: $customerId) { note } }', {
        customerId,
      }),
    );
  return { acme: await seenOf(service, 'acme'), globex: await seenOf(service, 'globex') };
}

async function seenOf(service: TestService, customerId: string): Promise<Seen[]> {
  const { auditEvents } = await data<{
    auditEvents: { edges: { cursor: string; node: Omit<Seen, 'cursor'> }[] };
  }>(service.ask(SEEN, { customerId }));
  return auditEvents.edges.map(({ cursor, node }) => ({ cursor, ...node }));
}

/** The data of an answer that has no errors. */
export async function data<Data>(answer: Promise<Answer>): Promise<Data> {
  const { data: found, errors } = await answer;
  if (errors) throw new Error(JSON.stringify(errors));
  return found as Data;
}
