import { type KnownKeys, nameOfKey, positionOfDuplicate } from './idempotency.ts';
import type { PreparedEvent } from './prepare.ts';

/** A request to append: its events, and for each the path to name in an error. All or nothing. */
export interface AppendRequest {
  events: PreparedEvent[];
  paths: string[];
}

/** Where each event of a request stands: at a new place, or as a duplicate of the event at a place. */
export interface Placement {
  position: number;
  isNew: boolean;
}

/** A batch under construction: the events to insert, from position `start` on. */
export interface Batch {
  start: number;
  events: PreparedEvent[];
  known: KnownKeys;
}

/**
 * Places the events of a request behind those of the batch, and remembers their keys.
 * Throws CONFLICT for a reused key; then the batch is as it was.
 */
export function placeRequest(batch: Batch, { events, paths }: AppendRequest): Placement[] {
  const known: KnownKeys = new Map();
  const added: PreparedEvent[] = [];
  const placements = events.map((event, index): Placement => {
    const path = paths[index] ?? 'input';
    const duplicate =
      positionOfDuplicate(event, batch.known, path) ?? positionOfDuplicate(event, known, path);
    if (duplicate !== undefined) return { position: duplicate, isNew: false };
    const position = batch.start + batch.events.length + added.length;
    added.push(event);
    const { idempotency } = event;
    if (idempotency) known.set(nameOfKey(idempotency), { position, contentHash: idempotency.contentHash });
    return { position, isNew: true };
  });
  batch.events.push(...added);
  for (const [name, key] of known) batch.known.set(name, key);
  return placements;
}
