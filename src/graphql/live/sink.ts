import type { ExecutionResult } from 'graphql';

/** Where the results of a subscription go. */
export interface Sink {
  /** What of a result is sent: the same for every sink of a transport. */
  textOf(result: ExecutionResult): string;
  /** Sends the text of a result without waiting for it to leave. */
  send(text: string): void;
  /** Whether so much waits to leave that the next result should wait too. */
  readonly isBehind: boolean;
  /** Sends the text of a result and resolves when it has left the process. */
  sendAndWait(text: string): Promise<void>;
}
