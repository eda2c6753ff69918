import type { JsonValue } from '../events/fields.ts';
import { SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import { parseJson } from '../parse-json.ts';
import { NEWLINE } from './export-lines.ts';
import type { Finding } from './findings.ts';

/** The action of the event that announces a purge. */
export const PURGE_ACTION = 'log.purge';
/**
 * The action of the event that records the first start of this version on the log of an older version. It repeats what
 * earlier purges announced, and adds the root hash that older announcements lack. All later announcements have one.
 */
export const UPGRADE_ACTION = 'log.upgrade';

/** The `details` of an announcement. */
export interface AnnouncedRemoval {
  /** Where the log begins after the purge: the number of events removed by this and all earlier purges. */
  firstPosition: number;
  /** Where the log began before. */
  from: number;
  /** The number of events that this purge removes: `firstPosition` minus `from`. */
  purged: number;
  /** The root hash of the tree of the first `firstPosition` events, in hex. */
  rootHash: string;
}

/** An event that concerns the removal of events. */
export type RemovalEvent =
  | Announcement
  | { kind: 'upgrade'; position: number; announcement: Announcement | undefined };

/** A valid announcement of a purge, at a position. */
export interface Announcement {
  kind: 'announcement';
  position: number;
  firstPosition: number;
  /** Undefined in an announcement of an older version. */
  rootHash: string | undefined;
}

/** The members of an event's canonical form that matter here. */
export interface ReadEvent {
  event_type?: unknown;
  action?: unknown;
  resource_type?: unknown;
  details?: unknown;
}

const HASH = /^[0-9a-f]{64}$/;

/** The removal event at a position; undefined when the event is none, or is impossible. */
export function removalEventOf(event: ReadEvent, position: number): RemovalEvent | undefined {
  if (event.resource_type !== SYSTEM_RESOURCE_TYPE) return undefined;
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

/** How the canonical bytes of removal events begin: the action is their first member. */
const STARTS = [PURGE_ACTION, UPGRADE_ACTION].map((action) => Buffer.from(`{"action":"${action}",`));

/** The removal event in canonical bytes, which begin with the action; undefined like `removalEventOf`. */
export function removalEventIn(bytes: Uint8Array, position: number): RemovalEvent | undefined {
  if (!STARTS.some((start) => startsWith(bytes, start))) return undefined;
  try {
    return removalEventOf(parseJson(Buffer.from(bytes).toString('utf8')) as ReadEvent, position);
  } catch {
    return undefined;
  }
}

function startsWith(bytes: Uint8Array, start: Buffer): boolean {
  return start.equals(bytes.subarray(0, start.length));
}

/**
 * The removal events of a log that a verifier has read and verified. When the log begins at a position above 0, one of them
 * must announce that.
 */
export class Removals {
  readonly #announcements: Announcement[] = [];
  #upgradedAt: number;

  /** Announcements before the position `upgradedAt` may lack a root hash. Default: only those before an upgrade event. */
  constructor(upgradedAt = -1) {
    this.#upgradedAt = upgradedAt;
  }

  add(event: RemovalEvent | undefined): void {
    if (event?.kind === 'upgrade') this.#upgradedAt = Math.max(this.#upgradedAt, event.position);
    const announcement = event?.kind === 'upgrade' ? event.announcement : event;
    if (announcement) this.#announcements.push(announcement);
  }

  /**
   * The newest announcement that everything before `first` is removed. An announcement without a root hash was written by an
   * older version, so it is valid only before the upgrade event.
   */
  find(first: number): Announcement | undefined {
    return this.#announcements
      .filter((one) => one.firstPosition >= first && this.#isOfItsTime(one))
      .sort((a, b) => b.position - a.position)[0];
  }

  /**
   * What is wrong with a log that begins at `first`; undefined when nothing is. `rootAt` returns the root hash of the tree of
   * a size in hex, or undefined when it is not known.
   */
  problemAt(first: number, rootAt: (size: number) => string | undefined): Finding | undefined {
    if (first === 0) return undefined;
    const found = this.find(first);
    if (!found) return unannounced(this.#announcedBefore(first), first);
    const { position, firstPosition, rootHash } = found;
    const root = rootHash === undefined ? undefined : rootAt(firstPosition);
    if (root === undefined || root === rootHash) return undefined;
    const message = `the purge that was announced at position ${position} names another root hash than the tree had then`;
    return { kind: 'checkpoint', message, tree: 'log', treeSize: firstPosition };
  }

  #isOfItsTime({ rootHash, position }: Announcement): boolean {
    return rootHash !== undefined || position < this.#upgradedAt;
  }

  #announcedBefore(first: number): number {
    const before = this.#announcements.filter((one) => one.firstPosition < first && this.#isOfItsTime(one));
    return Math.max(0, ...before.map(({ firstPosition }) => firstPosition));
  }
}

function unannounced(from: number, first: number): Finding {
  const events = first - from === 1 ? 'the event is' : `the event and the ${first - from - 1} after it are`;
  const message = `${events} missing, and no event of the log announces that they were removed`;
  return { kind: 'missing', message, position: from };
}

interface FoundLine {
  /** The number of the line in its part. */
  line: number;
  bytes: Buffer;
}

/** Collects the lines of removal events while an export is read. */
export class RemovalLines {
  readonly #parts: FoundLine[][] = [];
  readonly #lines: { position: number; bytes: Buffer }[] = [];

  /** Passes on parts of whole lines, and remembers the lines of removal events. */
  async *collect(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const part of parts) {
      this.#parts.push(linesOf(Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
      yield part;
    }
  }

  /** Sets the position of the first line of the oldest part that has none. Parts get their positions in order. */
  setPosition(start: number): void {
    for (const { line, bytes } of this.#parts.shift() ?? [])
      this.#lines.push({ position: start + line, bytes });
  }

  /** The largest `firstPosition` that a line announces, wherever the line is; 0 when there is none. */
  largestAnnounced(): number {
    const events = this.#lines.map(({ bytes }) => removalEventIn(bytes, Number.MAX_SAFE_INTEGER));
    const positions = events.map(
      (event) => (event?.kind === 'upgrade' ? event.announcement : event)?.firstPosition,
    );
    return Math.max(0, ...positions.map((position) => position ?? 0));
  }

  /** The removal events in the lines before a position. */
  eventsBefore(end: number): Removals {
    const removals = new Removals();
    for (const { position, bytes } of this.#lines)
      if (position < end) removals.add(removalEventIn(bytes, position));
    return removals;
  }
}

function linesOf(part: Buffer): FoundLine[] {
  return STARTS.flatMap((start) => [...linesWith(part, start)]);
}

function* linesWith(part: Buffer, start: Buffer): Generator<FoundLine, void> {
  let line = 0;
  let counted = 0;
  for (let at = part.indexOf(start); at >= 0; at = part.indexOf(start, at + 1)) {
    if (at > 0 && part[at - 1] !== NEWLINE) continue;
    for (; counted < at; counted += 1) if (part[counted] === NEWLINE) line += 1;
    const end = part.indexOf(NEWLINE, at);
    // Copied, because the part may be transferred to another thread.
    yield { line, bytes: Buffer.from(part.subarray(at, end < 0 ? part.length : end)) };
  }
}
