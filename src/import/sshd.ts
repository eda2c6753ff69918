import type { JsonValue } from '../events/fields.ts';
import { type LogEventInput, toEventInput } from './event-input.ts';
import type { RawRecord } from './lines.ts';
import { type LineGroup, SshdGrouper, type SshdLine } from './sshd-attempts.ts';
import { readMessage } from './sshd-messages.ts';
import { entriesOf, type SyslogClock, type SyslogLine } from './syslog.ts';

const SSHD = /^(?:.*\/)?sshd(?:-session|-auth)?$/;
const REPEATED = /^message repeated (\d+) times: \[\s?(.*)\]$/s;

/** The result of a line, in the order of the lines. */
export type SshdRecord =
  | { line: number; input: LogEventInput; key: string; timeNote: string | undefined }
  | { line: number; unmapped: string }
  | { line: number; joined: string }
  | { line: number; idle: true };

/** The longest time between lines of one event, by the times in the log. */
const TOGETHER_MS = 60_000;
/** The most lines that are held back until the events before them are complete. */
const MAX_WAITING = 1_000;
/** The longest time that a line of a live input is held back. */
const LIVE_MS = 1_000;

type WaitingRecord = { group: LineGroup } | { record: SshdRecord };

/**
 * Maps the lines that OpenSSH's server wrote to syslog or to a journal to events. The lines of one attempt to sign in
 * become one event, with all lines in its details. Lines of other programs and unknown messages are unmapped. Events are
 * in the order of their first lines. `keyOf` makes the key of an event from its first line alone, so that the key does
 * not depend on how many further lines arrived in time.
 */
export async function* readSshd(
  lines: AsyncIterable<RawRecord>,
  keyOf: (content: string, sourceId: string | undefined) => string,
  clock: SyslogClock,
): AsyncGenerator<SshdRecord> {
  const reader = new SshdReader(keyOf, clock);
  try {
    for await (const raw of lines) {
      if (raw.idle === true) {
        yield* reader.flush();
        yield { line: raw.line, idle: true };
        continue;
      }
      reader.push(raw);
      yield* reader.ready();
    }
  } catch (error) {
    // The lines that were read before an input failed or was stopped are complete.
    yield* reader.flush();
    throw error;
  }
  yield* reader.flush();
}

class SshdReader {
  readonly #attempts = new SshdGrouper();
  readonly #waiting: WaitingRecord[] = [];
  readonly #keyOf: (content: string, sourceId: string | undefined) => string;
  readonly #clock: SyslogClock;
  /** The time in the last line. */
  #logMs = Number.NEGATIVE_INFINITY;

  constructor(keyOf: (content: string, sourceId: string | undefined) => string, clock: SyslogClock) {
    this.#keyOf = keyOf;
    this.#clock = clock;
  }

  push(raw: RawRecord): void {
    const entries = raw.problem === undefined ? entriesOf(raw.text, this.#clock) : [{ problem: raw.problem }];
    for (const entry of entries) {
      this.#waiting.push('problem' in entry ? unmapped(raw, entry.problem) : this.#waitingOf(raw, entry));
    }
  }

  /** Takes the events from the head of the queue that expect no more lines. */
  *ready(): Generator<SshdRecord> {
    while (this.#waiting.length > 0) {
      const [head] = this.#waiting as [WaitingRecord];
      if ('group' in head && !this.#isComplete(head.group) && this.#waiting.length <= MAX_WAITING) return;
      this.#waiting.shift();
      yield sent(head);
    }
  }

  *flush(): Generator<SshdRecord> {
    for (const waiting of this.#waiting.splice(0)) yield sent(waiting);
  }

  #waitingOf(raw: RawRecord, entry: SyslogLine): WaitingRecord {
    const { line, text } = raw;
    if (!SSHD.test(entry.process))
      return unmapped(raw, `a line of ${entry.process.slice(0, 60)}, not of sshd`);
    if (entry.time === undefined) return unmapped(raw, entry.timeNote ?? 'its date does not exist');
    this.#logMs = Date.parse(entry.time);
    const [, times, inner] = REPEATED.exec(entry.message) ?? [];
    const message = inner ?? entry.message;
    const found = readMessage(message);
    if (found === undefined) return unmapped(raw, `unknown message "${shape(message)}"`);
    const notes = [raw.note, entry.timeNote].filter((note) => note !== undefined);
    const read: SshdLine = { line, text, entry, found, notes };
    if (times !== undefined) read.times = Number(times);
    const placed = this.#attempts.assign(read, () => this.#keyOf(text, entry.cursor));
    if ('began' in placed) return { group: placed.began };
    return { record: { line, joined: 'joined' in placed ? JOINED : NOTHING } };
  }

  #isComplete(group: LineGroup): boolean {
    if (group.complete) return true;
    if (this.#clock.live === true && Date.now() - group.sinceMs > LIVE_MS) return true;
    const lastMs = Date.parse(group.lines.at(-1)?.entry.time ?? '');
    return Math.abs(this.#logMs - lastMs) > TOGETHER_MS;
  }
}

const JOINED = 'part of the event of an earlier line';
const NOTHING = 'no event of its own (a connection without a sign-in attempt, or a step of an attempt)';

function unmapped({ line }: RawRecord, reason: string): WaitingRecord {
  return { record: { line, unmapped: reason } };
}

function sent(waiting: WaitingRecord): SshdRecord {
  if ('record' in waiting) return waiting.record;
  const { group } = waiting;
  group.sent = true;
  const [first] = group.lines;
  const timeNote = first?.entry.timeNote;
  return { line: first?.line ?? 0, input: inputOf(group), key: group.key, timeNote };
}

/** The most lines that the details of an event list. */
const MAX_LINES = 20;

function inputOf({ lines }: LineGroup): LogEventInput {
  const [first] = lines as [SshdLine];
  const main = lines.reduce((best, line) => (line.found.weight > best.found.weight ? line : best));
  const { entry, found, times } = main;
  const user = found.user ?? firstOf(lines, (line) => line.found.user);
  const address = found.address ?? firstOf(lines, (line) => line.found.address);
  const repeated = times === undefined ? '' : ` (repeated ${times} times)`;
  const input = toEventInput({
    eventType: found.eventType,
    outcome: found.outcome,
    severity: found.severity,
    action: found.action,
    description: `${describe(found.saying, { user, address, host: entry.host })}${repeated}`,
    time: first.entry.time,
    address,
    userId: user,
    sessionId: entry.pid === undefined ? undefined : `${entry.host}[${entry.pid}]`,
    resourceType: 'host',
    resourceId: entry.host,
    details: {
      format: 'sshd',
      line: main.text,
      ...(lines.length > 1 ? { lines: lines.slice(0, MAX_LINES).map(({ text }) => text) } : {}),
      host: entry.host,
      process: entry.process,
      ...(entry.pid === undefined ? {} : { pid: Number(entry.pid) }),
      ...Object.assign({}, ...lines.map((line) => line.found.details)),
      ...found.details,
      ...(times === undefined ? {} : { repeated: times }),
    },
  });
  return withNotes(input, [...new Set(lines.flatMap(({ notes }) => notes))]);
}

function withNotes(input: LogEventInput, notes: string[]): LogEventInput {
  if (notes.length === 0) return input;
  const before: JsonValue[] = Array.isArray(input.details?.notes) ? input.details.notes : [];
  return { ...input, details: { ...input.details, notes: [...before, ...notes] } };
}

function firstOf(
  lines: readonly SshdLine[],
  pick: (line: SshdLine) => string | undefined,
): string | undefined {
  for (const line of lines) {
    const found = pick(line);
    if (found !== undefined) return found;
  }
  return undefined;
}

function describe(
  saying: string,
  { user, address, host }: { user: string | undefined; address: string | undefined; host: string },
): string {
  const who = user === undefined ? '' : `: ${user}`;
  const where = address === undefined ? '' : ` from ${address}`;
  return `${saying}${who}${where} at ${host}`;
}

/** A message without its numbers and addresses, so that similar messages are counted together. */
function shape(message: string): string {
  return message
    .slice(0, 200)
    .replace(/[0-9a-f.:]*\d[0-9a-f.:]*/gi, '#')
    .slice(0, 80);
}
