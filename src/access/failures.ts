import { AuditError } from '../errors.ts';
import { networkOf } from '../events/address.ts';
import { Bucket } from './rate/bucket.ts';

const MAX_ADDRESSES = 10_000;
/** What one household gets of IPv6 addresses: whoever has one has all of them. */
const IPV6_BITS = 64;

/**
 * The work that is done for nothing for each address, of IPv6 for each network of /64: wrong keys, and what else is
 * refused to a client without a valid one.
 */
export interface Failures {
  /** Throws RATE_LIMITED while there was too much of it. To be asked once the key was found to be wrong. */
  check(address: string | undefined): void;
  /** One more wrong key came; or other work was done, of which a millisecond counts as one. */
  count(address: string | undefined, milliseconds?: number): void;
}

/** Makes the count, `perMinute` for each address, in this instance alone. 0: no limit. */
export function createFailures(perMinute: number, now: () => number = () => performance.now()): Failures {
  const buckets = new Map<string, Bucket>();

  const nameOf = (address = '') => networkOf(address, IPV6_BITS);

  function bucketOf(address: string): Bucket {
    const bucket = buckets.get(address) ?? new Bucket({ points: perMinute }, now());
    // The last to be used stays longest.
    buckets.delete(address);
    buckets.set(address, bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > MAX_ADDRESSES && oldest !== undefined) buckets.delete(oldest);
    return bucket;
  }

  return {
    check(address) {
      if (perMinute === 0) return;
      const waitMs = buckets.get(nameOf(address))?.waitMs(now()) ?? 0;
      if (waitMs === 0) return;
      const message = 'too many wrong API keys came from this address: send a right one, or try again later';
      throw new AuditError('RATE_LIMITED', message, undefined, waitMs);
    },
    count(address, milliseconds = 1) {
      if (perMinute > 0) bucketOf(nameOf(address)).take(milliseconds, now());
    },
  };
}
