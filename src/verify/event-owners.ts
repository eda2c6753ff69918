import { HASH_BYTES, sha256 } from '../merkle/hash.ts';

const MAX_UNSURE = 10_000;

const RECORD_BYTES = 8 + HASH_BYTES;
/** Events that are put together before they are hashed: one at a time would cost more than the leaf itself. */
const BATCH = 16;

/** The events of one customer, put into one hash in the order of the log. */
export class EventChain {
  readonly #batch = Buffer.alloc(HASH_BYTES + BATCH * RECORD_BYTES);
  #count = 0;

  add(position: number, leaf: Uint8Array): void {
    const at = HASH_BYTES + (this.#count % BATCH) * RECORD_BYTES;
    this.#batch.writeDoubleBE(position, at);
    // A leaf that breaks off is none of the log's.
    this.#batch.fill(0, at + 8, at + RECORD_BYTES).set(leaf.subarray(0, HASH_BYTES), at + 8);
    this.#count += 1;
    if (this.#count % BATCH === 0) this.#batch.set(sha256(this.#batch));
  }

  equals(other: EventChain): boolean {
    return this.#count === other.#count && this.#state().equals(other.#state());
  }

  /** The hash of the batches before, and what has come since. */
  #state(): Buffer {
    return this.#batch.subarray(0, HASH_BYTES + (this.#count % BATCH) * RECORD_BYTES);
  }
}

/** Whose the events of the log are, remembered in a hash for each customer. */
export class EventOwners {
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
