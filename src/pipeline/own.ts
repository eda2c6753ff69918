import { TEXT_BOUNDS } from '../events/bounds.ts';
import { checkEvent, type EventInput } from '../events/input.ts';
import { type PreparedEvent, prepareEvent } from '../log/prepare.ts';
import { wantAll } from './filters.ts';
import { checkInput, type PathedInput, type Pipeline, record } from './record.ts';

/** The other end of a connection. */
export interface Peer {
  /** Absent: the connection is gone already, or there was none. */
  ipAddress?: string | undefined;
  /** What it calls itself, its beginning. */
  userAgent?: string | undefined;
}

/** Who did something to the log itself, and from where. */
export interface Caller extends Peer {
  /** The id of an API key, or `cli:` and the name of a user of the system; absent: the service, by itself. */
  userId?: string | undefined;
}

/** Records an event about the log itself, committed when this resolves. No filter may decline it. */
export async function recordOwnEvent(pipeline: Pipeline, caller: Caller, event: EventInput): Promise<void> {
  await recordOwnEvents(pipeline, [{ ...event, ...caller }]);
}

/** Records events about the log itself, all or none. No filter may decline them. Throws OVERLOADED, UNAVAILABLE. */
export async function recordOwnEvents(pipeline: Pipeline, events: readonly EventInput[]): Promise<void> {
  const checks = { checkInput, checkDraft: () => undefined };
  await record({ ...pipeline, filters: wantAll }, events.map(pathed), checks);
}

/** Makes an event about the log itself ready for a transaction that appends it beside other changes. */
export function prepareOwnEvent(pipeline: Pipeline, caller: Caller, event: EventInput): PreparedEvent {
  const { input, path } = pathed({ ...event, ...caller });
  return prepareEvent(pipeline.redaction.event(checkEvent(input, path), path), pipeline.now(), path);
}

function pathed(event: EventInput): PathedInput {
  return { input: { ...event, ...storable(event) }, path: 'event' };
}

// What others say of themselves must not be able to keep an event out: it is made to fit.
function storable({ userId, userAgent }: EventInput): Pick<EventInput, 'userId' | 'userAgent'> {
  return { userId: fitted(userId, TEXT_BOUNDS.userId), userAgent: fitted(userAgent, TEXT_BOUNDS.userAgent) };
}

function fitted(text: string | null | undefined, most: number): string | undefined {
  return text?.replaceAll('\0', '').slice(0, most).toWellFormed();
}
