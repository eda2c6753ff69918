import type { AuditEvent } from '../events/event.ts';

/** The newest events of the log, without a gap, up to a bound: what most subscribers need next. */
export class RecentEvents {
  #events: AuditEvent[] = [];
  #end: number;
  readonly #most: number;

  /** Empty, at position `end`; keeps at most `most` events. */
  constructor(end: number, most: number) {
    this.#end = end;
    this.#most = most;
  }

  /** The position after the newest event. */
  get end(): number {
    return this.#end;
  }

  /** Adds the events from `end` up to `newEnd`; when some are missing (purged), what was kept before is let go. */
  add(events: readonly AuditEvent[], newEnd: number): void {
    const isWhole = events.length === newEnd - this.#end;
    this.#events = isWhole ? [...this.#events, ...events].slice(-this.#most) : [];
    this.#end = newEnd;
  }

  /** Lets go of the events before `position`: they were removed from the log. */
  forgetBefore(position: number): void {
    this.#events = this.#events.filter((event) => event.position >= position);
  }

  /** The events from `position` to the end; undefined when the oldest of them is no longer kept. */
  from(position: number): AuditEvent[] | undefined {
    const missing = this.#end - position;
    if (missing <= 0) return [];
    return missing <= this.#events.length ? this.#events.slice(-missing) : undefined;
  }
}
