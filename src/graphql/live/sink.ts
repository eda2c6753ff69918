import type { ExecutionResult } from 'graphql';

/** Where the results of a subscription go. */
export interface Sink {
  /** A result as it is sent: the same for every sender of a transport. */
  encode(result: ExecutionResult): Buffer;
  /** Sends an encoded result without waiting for it to leave. */
  send(encoded: Buffer): void;
  /** Whether so much waits to leave that the next result should wait too. */
  readonly isBehind: boolean;
  /** Sends an encoded result and resolves when it has left the process. */
  sendAndWait(encoded: Buffer): Promise<void>;
}
