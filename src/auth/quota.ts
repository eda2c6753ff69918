import { AuditError, type ErrorCode } from '../errors.ts';

/** Limits on the number and memory of open subscriptions or export files. */
export interface QuotaOptions {
  /** Limit of this instance. */
  total: Quantity;
  /** Limit of one key in this instance. */
  perKey: Quantity;
  /** The noun in error messages, in plural. */
  what: string;
  /** The error code when the count exceeds a limit. */
  code: ErrorCode;
}

interface Quantity {
  count: number;
  bytes: number;
}

/** The memory that a subscription holds while it is open. */
export interface HeldMemory {
  /** The document, which subscriptions may share: its bytes count once for all of them. */
  document: object;
  documentBytes: number;
  /** Bytes that are not shared. */
  ownBytes: number;
}

/** Counts the open subscriptions or export files. */
export interface Quota {
  /**
   * Counts one more for the key. Returns the function that removes it. Throws `code` when the count exceeds a limit, and
   * OVERLOADED when the memory does.
   */
  take(keyId: string, memory?: HeldMemory): () => void;
  /** How many are open. */
  readonly count: number;
}

const NOTHING: HeldMemory = { document: {}, documentBytes: 0, ownBytes: 0 };

/** Creates the quota of an instance. */
export function createQuota({ total, perKey, what, code }: QuotaOptions): Quota {
  const open = new Map<string, Holding>();
  const ofAll = new Holding();
  const tooMany = (message: string) => new AuditError(code, message, undefined, 1_000);
  const tooMuch = (whose: string, advice: string) =>
    new AuditError('OVERLOADED', `the ${what} ${whose} too much memory: ${advice}`);
  function take(keyId: string, memory: HeldMemory = NOTHING): () => void {
    const ofKey = open.get(keyId) ?? new Holding();
    if (ofKey.count >= perKey.count)
      throw tooMany(`this API key has ${perKey.count} ${what} here: end one first`);
    if (ofAll.count >= total.count)
      throw tooMany(`this instance has ${total.count} ${what}: try again later`);
    if (ofKey.bytesWith(memory) > perKey.bytes)
      throw tooMuch('of this API key hold', 'end one first, or send a shorter document and variables');
    if (ofAll.bytesWith(memory) > total.bytes) throw tooMuch('of this instance hold', 'try again later');
    open.set(keyId, ofKey);
    ofKey.add(memory);
    ofAll.add(memory);
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      ofAll.remove(memory);
      ofKey.remove(memory);
      if (ofKey.count === 0) open.delete(keyId);
    };
  }

  return {
    take,
    get count() {
      return ofAll.count;
    },
  };
}

/** The memory of several subscriptions. */
class Holding {
  count = 0;
  #bytes = 0;
  readonly #users = new Map<object, number>();

  bytesWith({ document, documentBytes, ownBytes }: HeldMemory): number {
    return this.#bytes + ownBytes + (this.#users.has(document) ? 0 : documentBytes);
  }

  add(memory: HeldMemory): void {
    this.#bytes = this.bytesWith(memory);
    this.#users.set(memory.document, (this.#users.get(memory.document) ?? 0) + 1);
    this.count += 1;
  }

  remove({ document, documentBytes, ownBytes }: HeldMemory): void {
    const left = (this.#users.get(document) ?? 1) - 1;
    if (left > 0) this.#users.set(document, left);
    else this.#users.delete(document);
    this.#bytes -= ownBytes + (left > 0 ? 0 : documentBytes);
    this.count -= 1;
  }
}
