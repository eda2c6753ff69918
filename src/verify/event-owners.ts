import { HASH_BYTES, sha256 } from '../merkle/hash.ts';

const MAX_WITHOUT_OWNER = 10_000;

const RECORD_BYTES = 8 + HASH_BYTES;
/** Events per hash. Hashing them one at a time would cost more than their leaf hashes. */
const BATCH = 16;

/** A running hash of the events of one customer, in log order. */
export class EventChain {
  readonly #batch = Buffer.alloc(HASH_BYTES + BATCH * RECORD_BYTES);
  #count = 0;

  add(position: number, leaf: Uint8Array): void {
    const at = HASH_BYTES + (this.#count % BATCH) * RECORD_BYTES;
    this.#batch.writeDoubleBE(position, at);
    // A leaf that is too short equals no leaf of the log.
    this.#batch.fill(0, at + 8, at + RECORD_BYTES).set(leaf.subarray(0, HASH_BYTES), at + 8);
    this.#count += 1;
    if (this.#count % BATCH === 0) this.#batch.set(sha256(this.#batch));
  }

  equals(other: EventChain): boolean {
    return this.#count === other.#count && this.#state().equals(other.#state());
  }

  /** The hash of all full batches, and the events of the last one. */
  #state(): Buffer {
    return this.#batch.subarray(0, HASH_BYTES + (this.#count % BATCH) * RECORD_BYTES);
  }
}

/** The events of each customer, as one running hash per customer. */
export class EventOwners {
  readonly #chains = new Map<string, EventChain>();
  /** The leaves of events whose rows are wrong or missing, so that their customers are unknown. */
  readonly #withoutOwner = new Map<number, Uint8Array | undefined>();
  #hasTooManyWithoutOwner = false;

  add(customerId: string, position: number, leaf: Uint8Array): void {
    const chain = this.#chains.get(customerId) ?? new EventChain();
    this.#chains.set(customerId, chain);
    chain.add(position, leaf);
  }

  /** Adds an event whose customer is unknown, since its row is wrong or missing. */
  addWithoutOwner(position: number, leaf: Uint8Array | undefined): void {
    if (this.#withoutOwner.size < MAX_WITHOUT_OWNER) this.#withoutOwner.set(position, leaf);
    else this.#hasTooManyWithoutOwner = true;
  }

  /** Whether too many rows are wrong to compare the customers' trees with the log. */
  get hasTooManyWithoutOwner(): boolean {
    return this.#hasTooManyWithoutOwner;
  }

  isWithoutOwner(position: number): boolean {
    return this.#withoutOwner.has(position);
  }

  /** The leaf of an event whose customer is unknown. */
  leafWithoutOwner(position: number): Uint8Array | undefined {
    return this.#withoutOwner.get(position);
  }

  /** Removes and returns the events of a customer. */
  take(customerId: string): EventChain {
    const chain = this.#chains.get(customerId) ?? new EventChain();
    this.#chains.delete(customerId);
    return chain;
  }

  /** The customers that `take` was not called for. */
  rest(): string[] {
    return [...this.#chains.keys()];
  }
}
