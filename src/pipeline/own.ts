import type { EventInput } from '../events/input.ts';
import { type Pipeline, recordEvents } from './record.ts';

/** Who did something to the log itself. */
export interface Caller {
  /** The id of an API key, or `cli:` and the name of a user of the system; absent: the service, by itself. */
  userId?: string | undefined;
  ipAddress?: string | undefined;
}

/** Records an event about the log itself, committed when this resolves. No filter may decline it. */
export async function recordOwnEvent(pipeline: Pipeline, caller: Caller, event: EventInput): Promise<void> {
  const input = { ...event, ...caller };
  await recordEvents({ ...pipeline, filters: [] }, [{ input, path: 'event' }]);
}
