import pg, { type Connection, type PoolClient, type Submittable } from 'pg';
import { serialize } from 'pg-protocol';

/** A statement with its parameters, or a `COPY ... FROM STDIN` with its rows. */
export type PipelineStep = { sql: string; parameters: (string | Buffer)[] } | { sql: string; rows: Buffer };

/** The progress of a pipeline. Each callback is called at most once. */
export interface PipelineEvents {
  /** The statements before the first COPY have succeeded. */
  onCopying?: () => void;
  /** The first COPY has succeeded. */
  onCopied?: () => void;
}

/** Runs the steps on the client. Rejects with the error of the first step that fails. */
export function runStatements(
  client: PoolClient,
  steps: readonly PipelineStep[],
  events: PipelineEvents = {},
): Promise<void> {
  return client.query(new StatementPipeline(steps, events)).done;
}

/**
 * Steps that are sent in one write and form one transaction, unless the client is in a transaction already. A step that
 * fails undoes the steps before it and skips those after it. `pg` alone would wait for a response after each step. With
 * `isHeldBack`, the rows of the first COPY are sent at once; its end and the steps after it wait for `release`.
 */
export class StatementPipeline implements Submittable {
  /**
   * Settles when the server has responded to all steps and the client is free for the next statement. Rejects when the
   * connection breaks: then the result of the transaction is unknown.
   */
  readonly done: Promise<void>;
  readonly #steps: readonly PipelineStep[];
  readonly #events: PipelineEvents;
  #rest: Buffer[] | undefined;
  #connection: Connection | undefined;
  #error: Error | undefined;
  #hasCopied = false;
  #resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor(
    steps: readonly PipelineStep[],
    { isHeldBack = false, ...events }: PipelineEvents & { isHeldBack?: boolean } = {},
  ) {
    this.#steps = steps;
    this.#events = events;
    if (isHeldBack) this.#rest = [];
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Sends the steps that were held back. */
  release(): void {
    this.#sendRest(this.#rest ?? []);
  }

  /** Cancels the steps that were sent. `done` rejects. */
  abandon(): void {
    this.#sendRest([serialize.copyFail('given up'), serialize.sync()]);
  }

  /** Called by the client of `pg` to send the steps. */
  submit(connection: Connection): void {
    this.#connection = connection;
    const messages: Buffer[] = [];
    let target = messages;
    for (const step of this.#steps) {
      target.push(...messagesOf(step));
      if (!('rows' in step)) continue;
      if (this.#rest && target === messages) target = this.#rest;
      target.push(serialize.copyDone());
      // The flush makes the server report the end of the COPY before the end of the transaction.
      if (target === this.#rest) target.push(serialize.flush());
    }
    target.push(serialize.sync());
    send(connection, messages);
  }

  handleCopyInResponse(): void {
    if (!this.#hasCopied) this.#events.onCopying?.();
  }

  handleCommandComplete({ text }: { text?: string }): void {
    if (this.#hasCopied || !text?.startsWith('COPY')) return;
    this.#hasCopied = true;
    this.#events.onCopied?.();
  }

  handleError(error: Error): void {
    this.#error ??= error;
    // After an error, the server skips all messages up to the Sync.
    this.#sendRest([serialize.sync()]);
    const connection = this.#connection;
    if (!isStatementError(error) || !connection?.stream.writable) {
      this.#reject(error);
      return;
    }
    // `pg` does not pass ReadyForQuery to a statement that has failed.
    const end = () => {
      connection.off('readyForQuery', end);
      connection.off('end', end);
      this.#reject(error);
    };
    connection.on('readyForQuery', end);
    connection.on('end', end);
  }

  handleReadyForQuery(): void {
    if (!this.#error) this.#resolve();
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}

  #sendRest(messages: Buffer[]): void {
    if (!this.#rest || !this.#connection) return;
    this.#rest = undefined;
    send(this.#connection, messages);
  }
}

// After an error that ends the connection, no ReadyForQuery follows.
function isStatementError(error: Error): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

function messagesOf(step: PipelineStep): Buffer[] {
  const values = 'rows' in step ? [] : step.parameters;
  return [
    serialize.parse({ text: step.sql }),
    serialize.bind({ values }),
    serialize.execute(),
    ...('rows' in step ? [copyDataHead(step.rows.length), step.rows] : []),
  ];
}

// `serialize.copyData` would copy the rows.
function copyDataHead(bytes: number): Buffer {
  const head = Buffer.from('d....');
  head.writeInt32BE(4 + bytes, 1);
  return head;
}

function send({ stream }: Connection, messages: Buffer[]): void {
  if (!stream.writable) return;
  stream.cork();
  for (const message of messages) stream.write(message);
  stream.uncork();
}
