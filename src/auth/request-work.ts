/** The estimated rate of reading bytes from a socket. */
const BYTES_PER_MS = 1_048_576;
/** A point is about one microsecond of work. */
const POINTS_PER_MS = 1_000;

/**
 * Measures the work for a request before its cost is known: reading and parsing the body, validating the document,
 * coercing the variables. The measured time is charged where it exceeds the cost, and always when the request is refused.
 * So a refused request is charged for the work that it causes.
 */
export class RequestWork {
  #milliseconds = 0;
  #paid = 0;
  #bytes = 0;

  /** Runs and measures a synchronous piece of work. */
  measure<T>(piece: () => T): T {
    const start = performance.now();
    try {
      return piece();
    } finally {
      this.#milliseconds += performance.now() - start;
    }
  }

  /** Adds time that was measured elsewhere. */
  add(milliseconds: number): void {
    this.#milliseconds += milliseconds;
  }

  /** Adds bytes that were read from the socket. */
  read(bytes: number): void {
    this.#bytes += bytes;
    this.#milliseconds += bytes / BYTES_PER_MS;
  }

  /** The part of a cost that is not paid yet: what was charged for the work counts towards it. */
  due(cost: number): number {
    return Math.max(0, cost - this.#paid);
  }

  /** Adds points that were charged. */
  pay(points: number): void {
    this.#paid += points;
  }

  /** Returns the points of the work that are not paid, and counts them as paid. */
  takeUnpaid(): number {
    const unpaid = Math.max(0, Math.ceil(this.#milliseconds * POINTS_PER_MS) - this.#paid);
    this.#paid += unpaid;
    return unpaid;
  }

  /** Bytes read from the socket. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Duration of the work so far. */
  get milliseconds(): number {
    return this.#milliseconds;
  }
}
