import { Problems } from '../errors.ts';
import { type KnownKeys, nameOfKey, positionOfDuplicate } from './idempotency.ts';
import type { PreparedEvent } from './prepare.ts';

/** A request to append: its events, and for each the path to name in an error. All or nothing. */
export interface AppendRequest {
  events: PreparedEvent[];
  paths: string[];
  /** Aborted when nobody waits for the answer any more: what has not been sent by then is refused with its reason. */
  signal?: AbortSignal | undefined;
}

/** Where each event of a request stands: at a new place, or as a duplicate of the event at a place. */
export interface Placement {
  position: number;
  isNew: boolean;
}

/** What became of a request: its placements, or the error that refuses it alone. */
export type Placed = Placement[] | Error;

/** A batch: the events to insert, from position `start` on, and the keys known by then. */
export interface Batch {
  start: number;
  events: PreparedEvent[];
  known: KnownKeys;
}

/** Places the requests one behind the other in a new batch from `start` on; a request with a reused key is refused alone. */
export function placeRequests(
  requests: readonly AppendRequest[],
  start: number,
  known: KnownKeys,
): { batch: Batch; placed: Placed[] } {
  const batch: Batch = { start, events: [], known };
  const placed = requests.map((request): Placed => {
    try {
      return placeRequest(batch, request);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  });
  return { batch, placed };
}

/**
 * Places the events of a request behind those of the batch, and remembers their keys.
 * Throws CONFLICT for each reused key; then the batch is as it was.
 */
function placeRequest(batch: Batch, { events, paths }: AppendRequest): Placement[] {
  const known: KnownKeys = new Map();
  const added: PreparedEvent[] = [];
  const problems = new Problems();
  const placements = events.map((event, index): Placement => {
    const path = paths[index] ?? 'input';
    const { idempotency } = event;
    const name = idempotency && nameOfKey(idempotency);
    const first = name === undefined ? undefined : (batch.known.get(name) ?? known.get(name));
    if (first) {
      const duplicate = problems.attempt(() => positionOfDuplicate(event, first, path));
      return { position: duplicate ?? first.position, isNew: false };
    }
    const position = batch.start + batch.events.length + added.length;
    added.push(event);
    if (idempotency && name !== undefined)
      known.set(name, { position, hadContent: (contentHash) => contentHash === idempotency.contentHash });
    return { position, isNew: true };
  });
  problems.throwAny();
  for (const event of added) batch.events.push(event);
  for (const [name, key] of known) batch.known.set(name, key);
  return placements;
}
