import { AuditError, type ErrorCode } from '../errors.ts';

/** How many subscriptions, or files of exports, there may be. */
export interface QuotaOptions {
  /** In this instance. */
  total: number;
  /** Of them, of one key. */
  perKey: number;
  /** What they are, in errors. */
  what: string;
  /** The code of the error. */
  code: ErrorCode;
}

/** Counts what is open. */
export interface Quota {
  /** One more on the key. Throws `code` where that is too many; returns the release. */
  take(keyId: string): () => void;
  /** How many are open. */
  readonly count: number;
}

/** Makes the count of an instance. */
export function createQuota({ total, perKey, what, code }: QuotaOptions): Quota {
  const open = new Map<string, number>();
  let all = 0;
  const tooMany = (message: string) => new AuditError(code, message, undefined, 1_000);
  function take(keyId: string): () => void {
    const own = open.get(keyId) ?? 0;
    if (own >= perKey) throw tooMany(`this API key has ${perKey} ${what} here: end one first`);
    if (all >= total) throw tooMany(`this instance has ${total} ${what}: try again later`);
    open.set(keyId, own + 1);
    all += 1;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      all -= 1;
      const left = (open.get(keyId) ?? 1) - 1;
      if (left > 0) open.set(keyId, left);
      else open.delete(keyId);
    };
  }

  return {
    take,
    get count() {
      return all;
    },
  };
}
