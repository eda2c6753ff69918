import type { ExecutionResult } from 'graphql';
import type { AuditEvent } from '../../events/event.ts';
import type { Subscription } from '../../feed/feed.ts';
import type { Member } from './member.ts';

const MAX_TEXTS = 16;

/** What an operation does with an event: executes it, and writes the result as it is sent. */
export interface Execution {
  execute(event: AuditEvent): ExecutionResult | Promise<ExecutionResult>;
  textOf(result: ExecutionResult): string;
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
  readonly #texts = new Map<number, string>();
  #next: number;

  /** Calls `onEmpty` when its last member has left, or the feed has ended: nobody may join it then. */
  constructor(subscription: Subscription, execution: Execution, onEmpty: () => void) {
    this.#execution = execution;
    this.#onEmpty = onEmpty;
    this.#next = subscription.end;
    this.#events = subscription.readFrom(subscription.end);
    void this.#run();
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
  textOf(event: AuditEvent): string | Promise<string> {
    const known = this.#texts.get(event.position);
    if (known !== undefined) return known;
    const result = this.#execution.execute(event);
    return result instanceof Promise
      ? result.then((settled) => this.#write(event, settled))
      : this.#write(event, result);
  }

  #write({ position }: AuditEvent, result: ExecutionResult): string {
    const text = this.#execution.textOf(result);
    this.#texts.set(position, text);
    const [oldest] = this.#texts.keys();
    if (oldest !== undefined && (this.#texts.size > MAX_TEXTS || this.#members.size === 1))
      this.#texts.delete(oldest);
    return text;
  }

  async #run(): Promise<void> {
    try {
      for await (const event of this.#events) this.#emit(event.position, await this.textOf(event));
      for (const member of this.#members) member.end();
    } catch {
      // Whoever reads on alone finds out what is wrong, if it still is.
      for (const member of this.#live) this.#leaveBehind(member);
    }
    this.#end();
  }

  #emit(position: number, text: string): void {
    this.#next = position + 1;
    for (const member of this.#live) if (!member.take(position, text)) this.#leaveBehind(member);
  }

  #leaveBehind(member: Member): void {
    this.#live.delete(member);
    void member.catchUp();
  }

  #end(): void {
    this.#onEmpty();
    void this.#events.return?.();
  }
}
