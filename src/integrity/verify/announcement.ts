import type { JsonValue } from '../../events/event.ts';
import { OWN_RESOURCE_TYPE } from '../../events/reserved.ts';
import { parseJson } from '../../parse-json.ts';

/** The action of the event that announces a purge. */
export const PURGE_ACTION = 'log.purge';
/**
 * The action of the event that a log of an older version has where this version was started on it. It repeats what earlier
 * purges announced, with the root hash that they did not name; every later announcement has one.
 */
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
  | Announcement
  | { kind: 'upgrade'; position: number; announcement: Announcement | undefined };

/** The announcement of a removal, as a verifier reads it. */
export interface Announcement {
  kind: 'announcement';
  position: number;
  firstPosition: number;
  /** Undefined: an older version wrote it. */
  rootHash: string | undefined;
}

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
  const details = (event.details ?? {}) as Record<string, JsonValue | undefined>;
  if (event.action === UPGRADE_ACTION && event.event_type === 'config.changed')
    return { kind: 'upgrade', position, announcement: announcementOf(details, position) };
  if (event.action !== PURGE_ACTION || event.event_type !== 'data.delete') return undefined;
  return announcementOf(details, position);
}

function announcementOf(
  details: Record<string, JsonValue | undefined>,
  position: number,
): Announcement | undefined {
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

const PURGE_LINE = Buffer.from(`{"action":"${PURGE_ACTION}",`);
const UPGRADE_LINE = Buffer.from(`{"action":"${UPGRADE_ACTION}",`);

/** What the canonical bytes of an event say of removals: these begin with its action. */
export function removalEventIn(bytes: Uint8Array, position: number): RemovalEvent | undefined {
  if (!startsWith(bytes, PURGE_LINE) && !startsWith(bytes, UPGRADE_LINE)) return undefined;
  try {
    return removalEventOf(parseJson(Buffer.from(bytes).toString('utf8')) as ReadEvent, position);
  } catch {
    return undefined;
  }
}

function startsWith(bytes: Uint8Array, start: Buffer): boolean {
  return start.equals(bytes.subarray(0, start.length));
}
