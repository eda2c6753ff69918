import type { ExecutionResult } from 'graphql';
import type { AuditEvent } from '../../events/event.ts';
import type { Subscription } from '../../feed/feed.ts';
import type { Member } from './member.ts';

const MAX_KEPT = 16;

/** What an operation does with an event: executes it, and encodes the result as it is sent. */
export interface Execution {
  execute(event: AuditEvent): ExecutionResult | Promise<ExecutionResult>;
  encode(result: ExecutionResult): Buffer;
}

/**
 * Subscriptions with the same document, variables and rights, executed once for each event. It reads the present end of
 * the log; a member that is due earlier events reads those itself until it has come up to here.
 */
export class SharedOperation {
  readonly #execution: Execution;
  readonly #members = new Set<Member>();
  readonly #live = new Set<Member>();
  readonly #events: AsyncIterableIterator<AuditEvent>;
  readonly #onEmpty: () => void;
  readonly #encoded = new Map<number, Buffer>();
  #next: number;
  #hasEnded = false;

  /** Calls `onEmpty` when its last member has left, or the feed has ended: nobody may join it then. */
  constructor(subscription: Subscription, execution: Execution, onEmpty: () => void) {
    this.#execution = execution;
    this.#onEmpty = onEmpty;
    this.#next = subscription.end;
    this.#events = subscription.readFrom(subscription.end);
    void this.#run();
  }

  /** Whether it reads no more: since the log could not be read, or the feed has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether everything before the position has been handed out: a member that is due there goes on with the others. */
  isAt(position: number): boolean {
    return position >= this.#next;
  }

  add(member: Member): void {
    this.#members.add(member);
  }

  /** The member, which is due what comes next, gets it from here. */
  follow(member: Member): void {
    this.#live.add(member);
  }

  remove(member: Member): void {
    this.#live.delete(member);
    if (this.#members.delete(member) && this.#members.size === 0) this.#end();
  }

  /** The result of an event as it is sent. Several members may want the same one, a little later than the others. */
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
      // Each member reads on alone, finds out whether the log can be read again, and joins another operation then.
      for (const member of this.#live) this.#leaveBehind(member);
    }
    this.#end();
  }

  #emit(position: number, encoded: Buffer): void {
    this.#next = position + 1;
    for (const member of this.#live) if (!member.take(position, encoded)) this.#leaveBehind(member);
  }

  #leaveBehind(member: Member): void {
    this.#live.delete(member);
    void member.catchUp();
  }

  #end(): void {
    this.#hasEnded = true;
    this.#onEmpty();
    void this.#events.return?.();
  }
}
