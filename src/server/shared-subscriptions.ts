import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
} from 'graphql';
import type { AuditEvent } from '../events/fields.ts';
import type { Subscription } from '../feed/feed.ts';
import type { Context, ResultSender } from '../schema/context.ts';
import { mapResults } from './async-results.ts';

/** The type of graphql-js' `subscribe`. */
export type Subscribe = (
  args: ExecutionArgs,
) => Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;

/**
 * Creates the `subscribe` of an instance. When the transport has a sender, subscriptions with the same document, variables
 * and rights are executed once for each event and their iterators yield nothing until they end. Each subscription is still
 * authorised by itself.
 */
export function createSharedSubscribe(): Subscribe {
  const operations = new Map<DocumentNode, Map<string, SharedOperation>>();

  function operationOf(
    args: ExecutionArgs,
    subscription: Subscription,
    execution: Execution,
  ): SharedOperation {
    const { document } = args;
    const alike = operations.get(document) ?? new Map<string, SharedOperation>();
    operations.set(document, alike);
    const key = keyOf(args);
    const known = alike.get(key);
    if (known) return known;
    const operation = new SharedOperation(subscription, execution, () => {
      if (alike.get(key) === operation) alike.delete(key);
      if (alike.size === 0 && operations.get(document) === alike) operations.delete(document);
    });
    alike.set(key, operation);
    return operation;
  }

  return async (args) => {
    const { sender } = args.contextValue as Context;
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    const resultOf = executionOf(args);
    if (!sender) return mapResults(source, resultOf);
    const subscription = source as Subscription;
    const execution = { execute: resultOf, encode: (result: ExecutionResult) => sender.encode(result) };
    return new SharedSubscriber(subscription, () => operationOf(args, subscription, execution), sender);
  };
}

// Named fields, since spreading the object takes V8 some microseconds for each event.
function executionOf({
  schema,
  document,
  operationName,
  contextValue,
  variableValues,
}: ExecutionArgs): (rootValue: unknown) => ExecutionResult | Promise<ExecutionResult> {
  return (rootValue) =>
    execute({ schema, document, operationName, contextValue, variableValues, rootValue }) as
      | ExecutionResult
      | Promise<ExecutionResult>;
}

// The key stands for the rights of the subscription.
function keyOf({ operationName, variableValues, contextValue }: ExecutionArgs): string {
  const { keyId, customerId, scopes } = (contextValue as Context).principal;
  return JSON.stringify([keyId, customerId ?? null, scopes, operationName ?? null, variableValues ?? null]);
}

const MAX_KEPT = 16;

/** Executes an operation for an event, and encodes the result as it is sent. */
export interface Execution {
  execute(event: AuditEvent): ExecutionResult | Promise<ExecutionResult>;
  encode(result: ExecutionResult): Buffer;
}

/**
 * Subscriptions with the same document, variables and rights, executed once for each event. It follows the end of the log.
 * A subscriber behind that position reads the log by itself until it has caught up.
 */
export class SharedOperation {
  readonly #execution: Execution;
  readonly #members = new Set<SharedSubscriber>();
  readonly #live = new Set<SharedSubscriber>();
  readonly #events: AsyncIterableIterator<AuditEvent>;
  readonly #onEmpty: () => void;
  readonly #encoded = new Map<number, Buffer>();
  #next: number;
  #hasEnded = false;

  /** Calls `onEmpty` when the last subscriber has left or the feed has ended: then no subscriber may join. */
  constructor(subscription: Subscription, execution: Execution, onEmpty: () => void) {
    this.#execution = execution;
    this.#onEmpty = onEmpty;
    this.#next = subscription.end;
    this.#events = subscription.readFrom(subscription.end);
    void this.#run();
  }

  /** Whether it has stopped reading, since the log could not be read or the feed has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the operation has sent all events before the position: a subscriber at that position can follow it. */
  isAt(position: number): boolean {
    return position >= this.#next;
  }

  add(member: SharedSubscriber): void {
    this.#members.add(member);
  }

  /** Sends the next events to the subscriber, too. */
  follow(member: SharedSubscriber): void {
    this.#live.add(member);
  }

  remove(member: SharedSubscriber): void {
    this.#live.delete(member);
    if (this.#members.delete(member) && this.#members.size === 0) this.#end();
  }

  /** The encoded result of an event. The latest are kept, for subscribers that are a little behind. */
  encodedOf(event: AuditEvent): Buffer | Promise<Buffer> {
    const known = this.#encoded.get(event.position);
    if (known !== undefined) return known;
    const result = this.#execution.execute(event);
    return result instanceof Promise
      ? result.then((settled) => this.#encode(event, settled))
      : this.#encode(event, result);
  }

  #encode({ position }: AuditEvent, result: ExecutionResult): Buffer {
    const encoded = this.#execution.encode(result);
    this.#encoded.set(position, encoded);
    const [oldest] = this.#encoded.keys();
    if (oldest !== undefined && (this.#encoded.size > MAX_KEPT || this.#members.size === 1))
      this.#encoded.delete(oldest);
    return encoded;
  }

  async #run(): Promise<void> {
    try {
      for await (const event of this.#events) this.#emit(event.position, await this.encodedOf(event));
      for (const member of this.#members) member.end();
    } catch {
      // Each subscriber goes on by itself, and joins another operation once the log can be read again.
      for (const member of this.#live) this.#leaveBehind(member);
    }
    this.#end();
  }

  #emit(position: number, encoded: Buffer): void {
    this.#next = position + 1;
    for (const member of this.#live) if (!member.take(position, encoded)) this.#leaveBehind(member);
  }

  #leaveBehind(member: SharedSubscriber): void {
    this.#live.delete(member);
    void member.catchUp();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#onEmpty();
    void this.#events.return?.();
  }
}

/**
 * A subscriber of a shared operation: a position in the log, and the sender of its results. As an iterator it yields
 * nothing: it lasts as long as the subscription, and throws the error that ends it. It sends results from its first read on.
 */
export class SharedSubscriber implements AsyncIterableIterator<ExecutionResult> {
  readonly #subscription: Subscription;
  readonly #operation: () => SharedOperation;
  readonly #sender: ResultSender;
  readonly #over = { done: true, value: undefined } as const;
  #joined: SharedOperation | undefined;
  #events: AsyncIterableIterator<AuditEvent> | undefined;
  #position: number;
  #isOver = false;
  #settle: { end: () => void; fail: (error: unknown) => void } | undefined;

  /** `operation` returns the shared operation to join. */
  constructor(subscription: Subscription, operation: () => SharedOperation, sender: ResultSender) {
    this.#subscription = subscription;
    this.#operation = operation;
    this.#sender = sender;
    this.#position = subscription.position;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    if (this.#isOver) return Promise.resolve(this.#over);
    return new Promise((resolve, reject) => {
      this.#settle = { end: () => resolve(this.#over), fail: reject };
      this.#join();
    });
  }

  return(): Promise<IteratorResult<ExecutionResult>> {
    this.end();
    return Promise.resolve(this.#over);
  }

  throw(error: unknown): Promise<never> {
    this.end();
    return Promise.reject(error);
  }

  /** Ends the subscription. */
  end(): void {
    this.#isOver = true;
    this.#joined?.remove(this);
    void this.#events?.return?.();
    this.#settle?.end();
  }

  /** Sends the result of the event at a position, unless the subscriber has it; false: the sender is behind. */
  take(position: number, encoded: Buffer): boolean {
    if (position < this.#position) return true;
    if (this.#sender.isBehind) return false;
    this.#sender.send(encoded);
    this.#position = position + 1;
    return true;
  }

  /** Catches up from the log, each event when the one before was sent, until it can follow the shared operation again. */
  async catchUp(): Promise<void> {
    try {
      this.#events = this.#subscription.readFrom(this.#position);
      for await (const event of this.#events) {
        await this.#sendAlone(event);
        if (this.#isOver) return;
        const operation = this.#current();
        if (operation.isAt(this.#position)) return operation.follow(this);
      }
      this.end();
    } catch (error) {
      this.#settle?.fail(error);
      this.end();
    }
  }

  async #sendAlone(event: AuditEvent): Promise<void> {
    const encoded = await (this.#joined as SharedOperation).encodedOf(event);
    if (this.#isOver) return;
    await this.#sender.sendAndWait(encoded);
    this.#position = event.position + 1;
  }

  #join(): void {
    if (this.#joined) return;
    const operation = this.#current();
    if (operation.isAt(this.#position)) operation.follow(this);
    else void this.catchUp();
  }

  /** The operation that it has joined, or another when that has ended. */
  #current(): SharedOperation {
    if (this.#joined && !this.#joined.hasEnded) return this.#joined;
    this.#joined?.remove(this);
    this.#joined = this.#operation();
    this.#joined.add(this);
    return this.#joined;
  }
}
