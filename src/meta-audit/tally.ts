import type { Caller } from '../pipeline/own.ts';

/** Who did it, and for which customer alone that viewer may ask. */
export interface Doer extends Caller {
  boundTo?: string | undefined;
}

/** What somebody did in a while. Times are milliseconds since 1970. */
export interface Sum {
  /** Undefined: the sum of all for whom there was no room. */
  doer: Doer | undefined;
  /** How often, by what it was. */
  times: Map<string, number>;
  /** How many events that were. */
  events: number;
  first: number;
  last: number;
}

/** Something that somebody did. */
export interface Deed {
  what: string;
  /** How many events the answer holds. */
  events?: number | undefined;
}

/**
 * What was done since it was emptied, one sum for each viewer, address and customer. Of more than `most` of them the
 * rest is summed up together: so memory and writes have a bound, and no count is lost. What is done is named from a short
 * list, never by a client.
 */
export class Tally {
  readonly #most: number;
  #sums = new Map<string, Sum>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts what was done. */
  add(doer: Doer, { what, events = 0 }: Deed, now: number): void {
    const sum = this.#sumOf(doer, now);
    sum.times.set(what, (sum.times.get(what) ?? 0) + 1);
    sum.events += events;
    sum.last = now;
  }

  /** Empties it. */
  take(): Sum[] {
    const sums = [...this.#sums.values()];
    this.#sums = new Map();
    return sums;
  }

  /** Adds to what has come in since what was taken and could not be kept. */
  putBack(sums: readonly Sum[]): void {
    for (const { doer, times, events, first, last } of sums) {
      const sum = this.#sumOf(doer, first);
      for (const [what, count] of times) sum.times.set(what, (sum.times.get(what) ?? 0) + count);
      sum.events += events;
      sum.first = Math.min(sum.first, first);
      sum.last = Math.max(sum.last, last);
    }
  }

  #sumOf(doer: Doer | undefined, now: number): Sum {
    const key = keyOf(doer);
    const known = this.#sums.get(key);
    if (known) return known;
    if (doer && this.#sums.size >= this.#most) return this.#sumOf(undefined, now);
    const sum = { doer, times: new Map(), events: 0, first: now, last: now };
    this.#sums.set(key, sum);
    return sum;
  }
}

function keyOf(doer: Doer | undefined): string {
  return doer ? JSON.stringify([doer.userId, doer.ipAddress, doer.boundTo]) : '';
}
