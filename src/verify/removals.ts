import type { PoolClient } from 'pg';
import { streamRows } from '../db/bulk-read.ts';
import type { JsonValue } from '../events/fields.ts';
import { SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import { rootOf } from '../merkle/tree.ts';
import { parseJson } from '../parse-json.ts';
import { NEWLINE } from './export-lines.ts';
import type { Finding, Findings } from './findings.ts';
import type { LogSizes } from './head.ts';
import type { TreeCheck } from './trees.ts';

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

/**
 * The events of a log that speak of removals, those that a verifier has read and found right. Of a log that begins at a
 * position above 0, one of them must announce that.
 */
export class Removals {
  readonly #announcements: Announcement[] = [];
  #upgradedAt: number;

  /** `upgradedAt`: announcements before this position may be without a root hash. Default: none but before an upgrade. */
  constructor(upgradedAt = -1) {
    this.#upgradedAt = upgradedAt;
  }

  add(event: RemovalEvent | undefined): void {
    if (event?.kind === 'upgrade') this.#upgradedAt = Math.max(this.#upgradedAt, event.position);
    const announcement = event?.kind === 'upgrade' ? event.announcement : event;
    if (announcement) this.#announcements.push(announcement);
  }

  /**
   * The newest announcement that everything before `first` is removed. One without a root hash is of an older version, and
   * counts only before the event that records the upgrade.
   */
  find(first: number): Announcement | undefined {
    return this.#announcements
      .filter((one) => one.firstPosition >= first && this.#isOfItsTime(one))
      .sort((a, b) => b.position - a.position)[0];
  }

  /**
   * What is wrong with a log that begins at `first`. `rootAt` gives the root hash of the tree of so many events, in hex;
   * undefined where that is not known.
   */
  judge(first: number, rootAt: (size: number) => string | undefined): Finding | undefined {
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

/**
 * The events that speak of removals, of those that are left. Whether they are what was appended, the walk finds out.
 * `upgradedAt`: see `Removals`; by default what the database says.
 */
export async function readRemovals(
  client: PoolClient,
  first: number,
  upgradedAt?: number,
): Promise<Removals> {
  const sql = `SELECT position, event_type, action, resource_type, details FROM audit_events
    WHERE position >= $1 AND resource_type = $2 AND action IN ($3, $4)`;
  const parameters = [first, SYSTEM_RESOURCE_TYPE, PURGE_ACTION, UPGRADE_ACTION];
  const removals = new Removals(upgradedAt ?? ((await isOlder(client)) ? Infinity : undefined));
  const rows = streamRows<ReadEvent & { position: number }>(client, { sql, parameters, size: 500 });
  for await (const { position, ...event } of rows) removals.add(removalEventOf(event, position));
  return removals;
}

// Whether this version was never started on the database: then the column may not be there either.
async function isOlder(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ older: boolean }>(
    "SELECT to_jsonb(log_head) ->> 'announced_from' IS NULL AS older FROM log_head",
  );
  return rows[0]?.older ?? false;
}

/** Checks that an event announces that the log begins where the head says, and of which events it speaks. */
export function checkRemoval({
  sizes,
  tree,
  removals,
  findings,
}: {
  sizes: LogSizes;
  tree: TreeCheck;
  removals: Removals;
  findings: Findings;
}): void {
  // Where events are missing or changed, the one that announces it may be among them.
  if (findings.isAboutEvents) return;
  const found = removals.judge(sizes.first, (size) => {
    const frontier = tree.frontierAt(size);
    return frontier && Buffer.from(rootOf(frontier)).toString('hex');
  });
  if (found) findings.add(found, Math.max(1, sizes.first - (found.position ?? 0)));
}

/** The beginnings of the lines that speak of removals: the action is the first member of a canonical form. */
const STARTS = [PURGE_ACTION, UPGRADE_ACTION].map((action) => Buffer.from(`{"action":"${action}",`));

interface FoundLine {
  /** Counted from the beginning of its part. */
  line: number;
  bytes: Buffer;
}

/** Finds the lines that speak of removals in parts that are read for another end, and holds nothing else of them. */
export class RemovalLines {
  readonly #parts: FoundLine[][] = [];
  readonly #placed: { position: number; bytes: Buffer }[] = [];

  /** The same parts, each of whole lines. */
  async *look(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const part of parts) {
      this.#parts.push(linesOf(Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
      yield part;
    }
  }

  /** Says at which position the next part begins. */
  place(start: number): void {
    for (const { line, bytes } of this.#parts.shift() ?? [])
      this.#placed.push({ position: start + line, bytes });
  }

  /** The largest position before which a line says that everything was removed, wherever that line is; 0: none says so. */
  announced(): number {
    const said = this.#placed.map(({ bytes }) => removalEventIn(bytes, Number.MAX_SAFE_INTEGER));
    const positions = said.map(
      (event) => (event?.kind === 'upgrade' ? event.announcement : event)?.firstPosition,
    );
    return Math.max(0, ...positions.map((position) => position ?? 0));
  }

  /** The removals that the lines before a position speak of. */
  before(end: number): Removals {
    const removals = new Removals();
    for (const { position, bytes } of this.#placed)
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
    // A copy: the part itself may go to another thread.
    yield { line, bytes: Buffer.from(part.subarray(at, end < 0 ? part.length : end)) };
  }
}
