import type { ReadTime } from '../db/clock.ts';
import { AuditError } from '../errors.ts';

/** More is no delay of the network, and no drift that time synchronisation leaves. */
const MOST_MS = 60_000;

/** The clocks that a purge looks at, both in milliseconds since 1970. */
export interface Clocks {
  /** Of this instance. */
  now: () => number;
  /** Of the database. */
  databaseNow: ReadTime;
}

/** Nothing is removed, since the clocks differ. */
export class ClocksDiffer extends AuditError {}

/** The time by the database's clock. Throws ClocksDiffer, which is UNAVAILABLE, when that and the one of this instance differ by over a minute. */
export async function readAgreedTime({ now, databaseNow }: Clocks): Promise<number> {
  const before = now();
  const time = await databaseNow();
  const after = now();
  const difference = Math.max(before - time, time - after, 0);
  if (difference <= MOST_MS) return time;
  throw new ClocksDiffer(
    'UNAVAILABLE',
    `nothing is removed while the clocks of this instance and of the database differ by ${Math.round(difference / 1_000)} s`,
    undefined,
    MOST_MS,
  );
}
