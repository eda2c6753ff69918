/** A token bucket: it holds so much, and fills up within a minute. */
export interface BucketSize {
  /** Points that it holds when full; also what flows in during a minute. */
  points: number;
}

const MINUTE_MS = 60_000;

/**
 * What somebody may still spend. What is spent may be more than there is, as long as there is a point: then nothing
 * more is given until the debt is paid, so even the dearest operation has its turn. Times are in milliseconds, of a
 * clock that never goes back.
 */
export class Bucket {
  readonly #size: BucketSize;
  #points: number;
  #filledAt: number;

  /** A full one. */
  constructor(size: BucketSize, now: number) {
    this.#size = size;
    this.#points = size.points;
    this.#filledAt = now;
  }

  /** Whether nothing was taken for so long that it is full again. */
  isFull(now: number): boolean {
    return this.#fill(now) >= this.#size.points;
  }

  /** After how many milliseconds something may be taken; 0: now. */
  waitMs(now: number): number {
    const points = this.#fill(now);
    return points >= 1 ? 0 : Math.ceil(((1 - points) * MINUTE_MS) / this.#size.points);
  }

  take(points: number, now: number): void {
    this.#points = this.#fill(now) - points;
  }

  /** Sets what it holds. */
  set(points: number, now: number): void {
    this.#points = points;
    this.#filledAt = now;
  }

  #fill(now: number): number {
    const inflow = ((now - this.#filledAt) * this.#size.points) / MINUTE_MS;
    this.#points = Math.min(this.#size.points, this.#points + inflow);
    this.#filledAt = now;
    return this.#points;
  }
}
