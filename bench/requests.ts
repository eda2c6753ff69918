import { enumName } from '../src/events/catalog.ts';
import { type BenchEvent, eventOf } from './events.ts';
import { graphqlRequest } from './http-client.ts';

/** Where a contender listens, and the key that it wants. */
export interface Target {
  url: string;
  key?: string | undefined;
}

const LOG_EVENT =
  'mutation Log($input: LogEventInput!) { logEvent(input: $input) { status event { id position timestamp } } }';
const LOG_EVENTS =
  'mutation Log($input: [LogEventInput!]!) { logEvents(input: $input) { recorded results { status event { id position } } } }';
const STOCK_EVENT =
  'mutation Log($input: LogEventInput!) { logEvent(input: $input) { id position timestamp } }';
const STOCK_EVENTS = 'mutation Log($input: [LogEventInput!]!) { logEvents(input: $input) }';
const POSTGRAPHILE_EVENT =
  'mutation Log($input: CreateAuditEventInput!) { createAuditEvent(input: $input) { auditEvent { id position timestamp } } }';

/** What an event that is loaded, not sent as it happens, has beside the usual. */
export interface Extra {
  timestamp?: string;
  idempotencyKey?: string;
  customerId?: string | null;
}

/** Requests of the same work to the service and to the other contenders. */
export const requests = {
  one: (to: Target, number: number, extra?: Extra) =>
    graphqlRequest(to, LOG_EVENT, { input: inputOf(eventOf(number), extra) }),
  batch: (to: Target, first: number, count: number, extraOf?: (number: number) => Extra) =>
    graphqlRequest(to, LOG_EVENTS, {
      input: numbers(first, count).map((n) => inputOf(eventOf(n), extraOf?.(n))),
    }),
  stockOne: (to: Target, number: number) => graphqlRequest(to, STOCK_EVENT, { input: eventOf(number) }),
  stockBatch: (to: Target, first: number, count: number) =>
    graphqlRequest(to, STOCK_EVENTS, { input: numbers(first, count).map(eventOf) }),
  postgraphileOne: (to: Target, number: number) =>
    graphqlRequest(to, POSTGRAPHILE_EVENT, {
      input: { auditEvent: { ...eventOf(number), timestamp: new Date().toISOString() } },
    }),
};

/** So many numbers from `first` on. */
export function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function inputOf(event: BenchEvent, extra: Extra = {}): object {
  return {
    ...event,
    ...extra,
    eventType: enumName(event.eventType),
    outcome: enumName(event.outcome),
    severity: enumName(event.severity),
  };
}
