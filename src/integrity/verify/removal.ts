import type { Announcement, RemovalEvent } from './announcement.ts';
import type { Finding } from './findings.ts';

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
