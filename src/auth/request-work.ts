/** About what it costs to take so many bytes from a socket. */
const BYTES_PER_MS = 1_048_576;
/** A point is about a microsecond. */
const POINTS_PER_MS = 1_000;

/**
 * What is done for a request before its price is known: its body is read and parsed, its document checked, its variables
 * coerced. It is paid for by its time where that is more than the price, and always when the request is refused: so no
 * way to be refused costs less than it takes.
 */
export class RequestWork {
  #milliseconds = 0;
  #paid = 0;
  #bytes = 0;

  /** Does a piece of it, all of which runs in one turn of the event loop. */
  measure<T>(piece: () => T): T {
    const start = performance.now();
    try {
      return piece();
    } finally {
      this.#milliseconds += performance.now() - start;
    }
  }

  /** It took so long. */
  add(milliseconds: number): void {
    this.#milliseconds += milliseconds;
  }

  /** So many bytes have been taken from the socket. */
  read(bytes: number): void {
    this.#bytes += bytes;
    this.#milliseconds += bytes / BYTES_PER_MS;
  }

  /** What is still to be paid of a price: what the work was charged already counts towards it. */
  due(price: number): number {
    return Math.max(0, price - this.#paid);
  }

  /** So much was paid. */
  pay(points: number): void {
    this.#paid += points;
  }

  /** What it has taken beyond what was paid, in points; that counts as paid from then on. */
  takeUnpaid(): number {
    const unpaid = Math.max(0, Math.ceil(this.#milliseconds * POINTS_PER_MS) - this.#paid);
    this.#paid += unpaid;
    return unpaid;
  }

  /** How many bytes have been taken from the socket. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long it has taken so far. */
  get milliseconds(): number {
    return this.#milliseconds;
  }
}
