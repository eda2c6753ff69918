import { AuditError } from '../errors.ts';

/** How many subscriptions there may be. */
export interface QuotaOptions {
  /** In this instance. */
  total: number;
  /** Of them, of one key. */
  perKey: number;
}

/** Counts what is open. */
export interface Quota {
  /** One more on the key. Throws TOO_MANY_SUBSCRIPTIONS where that is too many; returns the release. */
  take(keyId: string): () => void;
  /** How many are open. */
  readonly count: number;
}

/** Makes the count of an instance's subscriptions. */
export function createQuota({ total, perKey }: QuotaOptions): Quota {
  const open = new Map<string, number>();
  let all = 0;
  function take(keyId: string): () => void {
    const own = open.get(keyId) ?? 0;
    if (own >= perKey) throw tooMany(`this API key has ${perKey} subscriptions here: end one first`);
    if (all >= total) throw tooMany(`this instance has ${total} subscriptions: try again later`);
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

function tooMany(message: string): AuditError {
  return new AuditError('TOO_MANY_SUBSCRIPTIONS', message, undefined, 1_000);
}
