import pg, { type Connection, type PoolClient, type Submittable } from 'pg';
import { serialize } from 'pg-protocol';

/** A statement with its parameters, or a `COPY ... FROM STDIN` with its rows. */
export type PipelineStep = { sql: string; parameters: (string | Buffer)[] } | { sql: string; rows: Buffer };

/** Where a pipeline is; each is called once at most. */
export interface PipelineEvents {
  /** The statements before the first COPY were done. */
  onCopying?: () => void;
  /** The first COPY was done. */
  onCopied?: () => void;
}

/** Runs the steps on the client; rejects with the error of the first that fails. */
export function runStatements(
  client: PoolClient,
  steps: readonly PipelineStep[],
  events: PipelineEvents = {},
): Promise<void> {
  return client.query(new StatementPipeline(steps, events)).done;
}

/**
 * Steps that travel in one write and are one transaction, unless the client is in one already: the first that fails
 * undoes those before it and skips those behind it. `pg` alone would wait for an answer after each.
 * Held back, the end of the first COPY and what follows wait for `release`, while its rows are on their way.
 */
export class StatementPipeline implements Submittable {
  /**
   * Settles when the server has answered everything, so the client is free for the next statement. A broken connection
   * rejects it: then nothing is certain.
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

  /** Sends what was held back. */
  release(): void {
    this.#sendRest(this.#rest ?? []);
  }

  /** Undoes what was sent; `done` rejects. */
  abandon(): void {
    this.#sendRest([serialize.copyFail('given up'), serialize.sync()]);
  }

  /** Called by the client of `pg` when it is this one's turn. */
  submit(connection: Connection): void {
    this.#connection = connection;
    const messages: Buffer[] = [];
    let target = messages;
    for (const step of this.#steps) {
      target.push(...messagesOf(step));
      if (!('rows' in step)) continue;
      if (this.#rest && target === messages) target = this.#rest;
      target.push(serialize.copyDone());
      // So that the end of a COPY that was held back is known before that of the transaction.
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
    // Until then the server skips whatever comes.
    this.#sendRest([serialize.sync()]);
    const connection = this.#connection;
    if (!isStatementError(error) || !connection?.stream.writable) {
      this.#reject(error);
      return;
    }
    // `pg` does not hand the end of the answer to a statement that has failed.
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

// Of an error that ends the connection no further answer comes.
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
