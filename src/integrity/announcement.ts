import type { JsonValue } from '../events/event.ts';
import { OWN_RESOURCE_TYPE } from '../events/reserved.ts';

/** The action of the event that announces a purge. */
export const PURGE_ACTION = 'log.purge';
/** The action of the event behind which every announcement has a root hash: in logs of an older version. */
export const UPGRADE_ACTION = 'log.upgrade';

/** What an announcement says in its details. */
export interface AnnouncedRemoval {
  /** Where the log begins from then on: as many events were removed by this and all earlier purges. */
  firstPosition: number;
  /** Where it began before. */
  from: number;
  /** How many this purge removes: from `from` to `firstPosition`, the last left out. */
  purged: number;
  /** The root hash of the tree of the first `firstPosition` events, in hex. */
  rootHash: string;
}

/** What the events of the log say of its removals. */
export type RemovalEvent =
  | { kind: 'announcement'; position: number; firstPosition: number; rootHash: string | undefined }
  | { kind: 'upgrade'; position: number };

/** An event as far as it is looked at for this, by the names of its canonical form. */
export interface ReadEvent {
  event_type?: unknown;
  action?: unknown;
  resource_type?: unknown;
  details?: unknown;
}

const HASH = /^[0-9a-f]{64}$/;

/** What an event at a position says of removals; undefined: nothing, or nothing that can be true. */
export function removalEventOf(event: ReadEvent, position: number): RemovalEvent | undefined {
  if (event.resource_type !== OWN_RESOURCE_TYPE) return undefined;
  if (event.action === UPGRADE_ACTION && event.event_type === 'config.changed')
    return { kind: 'upgrade', position };
  if (event.action !== PURGE_ACTION || event.event_type !== 'data.delete') return undefined;
  const details = (event.details ?? {}) as Record<string, JsonValue | undefined>;
  const { firstPosition, rootHash } = details;
  if (!isPosition(firstPosition) || firstPosition > position) return undefined;
  if (rootHash === undefined) return { kind: 'announcement', position, firstPosition, rootHash };
  const { from, purged } = details;
  const isWhole = isPosition(from) && isPosition(purged) && from + purged === firstPosition;
  if (!isWhole || typeof rootHash !== 'string' || !HASH.test(rootHash)) return undefined;
  return { kind: 'announcement', position, firstPosition, rootHash };
}

function isPosition(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
