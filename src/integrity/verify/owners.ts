import { createHash } from 'node:crypto';

const MAX_UNSURE = 10_000;

/** The events of one customer, put into one hash in the order of the log. */
export class EventChain {
  #hash = Buffer.alloc(32);
  #count = 0;

  add(position: number, leaf: Uint8Array): void {
    const place = Buffer.alloc(8);
    place.writeBigUInt64BE(BigInt(position));
    this.#hash = createHash('sha256').update(this.#hash).update(place).update(leaf).digest();
    this.#count += 1;
  }

  equals(other: EventChain): boolean {
    return this.#count === other.#count && this.#hash.equals(other.#hash);
  }
}

/** Whose the events of the log are, remembered in a hash for each customer. */
export class Owners {
  readonly #chains = new Map<string, EventChain>();
  /** The leaves of events whose rows are wrong or missing, so that their customer is not known. */
  readonly #unsure = new Map<number, Uint8Array | undefined>();
  #isTooUnsure = false;

  add(customerId: string, position: number, leaf: Uint8Array): void {
    const chain = this.#chains.get(customerId) ?? new EventChain();
    this.#chains.set(customerId, chain);
    chain.add(position, leaf);
  }

  addUnsure(position: number, leaf: Uint8Array | undefined): void {
    if (this.#unsure.size < MAX_UNSURE) this.#unsure.set(position, leaf);
    else this.#isTooUnsure = true;
  }

  /** Whether too much is wrong with the log to compare the customers' trees with it. */
  get isTooUnsure(): boolean {
    return this.#isTooUnsure;
  }

  isUnsure(position: number): boolean {
    return this.#unsure.has(position);
  }

  /** The leaf that belongs to a position that is unsure. */
  unsureLeaf(position: number): Uint8Array | undefined {
    return this.#unsure.get(position);
  }

  /** The events of a customer, handed over. */
  take(customerId: string): EventChain {
    const chain = this.#chains.get(customerId) ?? new EventChain();
    this.#chains.delete(customerId);
    return chain;
  }

  /** The customers that were not taken. */
  rest(): string[] {
    return [...this.#chains.keys()];
  }
}
