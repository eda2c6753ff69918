import type { Caller, Peer } from '../pipeline/own.ts';
import type { Viewer } from './viewer.ts';

/** Who asks, and from where. */
export interface Asker {
  viewer: Viewer;
  peer: Peer;
}

/** Who asks, as an event about the log itself names it. */
export function callerOf({ viewer, peer }: Asker): Caller {
  return { ...peer, userId: viewer.keyId };
}
