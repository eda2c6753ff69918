import type { AuditEvent } from '../events/fields.ts';
import { memoryBytesOf } from '../events/json.ts';

/** The newest events of the log, without a gap, within bounds: what most subscribers need next. */
export class RecentEvents {
  readonly #kept = new Map<number, { event: AuditEvent; bytes: number }>();
  readonly #most: { events: number; bytes: number };
  #start: number;
  #end: number;
  #bytes = 0;

  /** Empty, at position `end`; keeps at most so many events and about so many bytes. */
  constructor(end: number, most: { events: number; bytes: number }) {
    this.#start = end;
    this.#end = end;
    this.#most = most;
  }

  /** The position after the newest event. */
  get end(): number {
    return this.#end;
  }

  /** The event at the position; undefined when it is not kept. */
  at(position: number): AuditEvent | undefined {
    return this.#kept.get(position)?.event;
  }

  /** Adds the events from `end` up to `newEnd`; when some are missing (purged), none up to there are kept. */
  add(events: readonly AuditEvent[], newEnd: number): void {
    const isWhole = events.length === newEnd - this.#end;
    this.#end = newEnd;
    if (!isWhole) this.forgetBefore(newEnd);
    for (const event of isWhole ? events : []) {
      const bytes = memoryBytesOf(event);
      this.#kept.set(event.position, { event, bytes });
      this.#bytes += bytes;
    }
    while (this.#kept.size > this.#most.events || this.#bytes > this.#most.bytes) this.#forgetFirst();
  }

  /** Lets go of the events before `position`: they were removed from the log. */
  forgetBefore(position: number): void {
    while (this.#start < Math.min(position, this.#end)) this.#forgetFirst();
  }

  #forgetFirst(): void {
    this.#bytes -= this.#kept.get(this.#start)?.bytes ?? 0;
    this.#kept.delete(this.#start);
    this.#start += 1;
  }
}
