import type { Socket } from 'node:net';
import pg from 'pg';
import { parseJson } from '../parse-json.ts';

/** How long a server may take to accept a connection. */
const CONNECT_MS = 5_000;
/** How long the server may take to close a connection that we end. */
const END_MS = 1_000;

/** Longest silence of the server while it owes an answer, in milliseconds. */
export const SILENCE = {
  /** Of any statement that names no other limit. */
  usual: 15_000,
  /** Of a step of an append: more than another instance may keep it waiting. */
  append: 8_000,
  /** Of a search, a summary, an export or a maintenance statement, which may compute long before its first row. */
  long: 120_000,
  /** Of a statement that takes as long as it takes, such as a migration. Keepalives still find a dead connection. */
  none: Number.POSITIVE_INFINITY,
} as const;

/** What a client adds to the options of `pg`. */
export interface ClientOptions extends pg.ClientConfig {
  /** Longest silence while an answer is due; default `SILENCE.usual`. */
  silenceMs?: number;
  /** Called when an answer has been due for two seconds, and again every two: it may be lost, or wait for a lock. */
  onQuiet?: (() => void) | undefined;
}

/**
 * How our connections read values: positions and counts are bigint in SQL and stay below 2^53 here; times travel as
 * milliseconds since 1970. Of our own connections alone: a program that embeds the log may use pg too.
 */
export const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);
types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, parseTimestamp);
types.setTypeParser(pg.types.builtins.JSON, parseJson);
types.setTypeParser(pg.types.builtins.JSONB, parseJson);

const QUIET_MS = 2_000;

/** A statement may name its own limit. */
interface WithSilence {
  silenceMs?: number;
}

/**
 * A client of `pg` that waits for nothing without end. The limit is on silence, not on the total time: a statement that
 * sends rows may take hours. Beyond the limit the connection is destroyed, and everything that waits for it rejects with
 * ETIMEDOUT, as for any other broken connection. `query_timeout` of `pg` would reject the statement alone and leave the
 * connection in use, with the next statement waiting behind the first.
 */
export class Client extends pg.Client {
  /** The limit of statements that name none. */
  silenceMs: number;
  readonly #onQuiet: (() => void) | undefined;
  readonly #quietMs: number;
  #isAsking = false;
  #limitMs = 0;
  #heardAt = 0;
  #bytesRead = 0;
  #quietAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor({ silenceMs = SILENCE.usual, onQuiet, ...config }: ClientOptions = {}) {
    super({ types, keepAlive: true, keepAliveInitialDelayMillis: 10_000, ...config });
    this.silenceMs = silenceMs;
    this.#onQuiet = onQuiet;
    this.#quietMs = onQuiet ? QUIET_MS : Number.POSITIVE_INFINITY;
    this.on('drain', () => {
      this.#isAsking = false;
    });
    this.on('end', () => this.#stopWatching());
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg has one overload for each form of a statement; all go through here.
  override query(...parameters: any[]): any {
    const { silenceMs } = (parameters[0] ?? {}) as WithSilence;
    this.#bytesRead = this.#stream.bytesRead;
    this.resumeSilence(silenceMs ?? this.silenceMs);
    const result: unknown = super.query(...(parameters as Parameters<pg.Client['query']>));
    if (!(result instanceof Promise)) return result;
    return result.catch(async (error: Error) => {
      await this.untilReady();
      throw error;
    });
  }

  /** Resolves when the next statement can be sent: `pg` rejects one at its error, before the server is ready for the next. */
  async untilReady(): Promise<void> {
    const { readyForQuery } = this as unknown as { readyForQuery: boolean };
    if (readyForQuery || !this.#isAsking || this.#stream.destroyed) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.off('drain', end);
        this.off('end', end);
        resolve();
      };
      this.on('drain', end);
      this.on('end', end);
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: with a callback or without, as pg has it.
  override connect(...parameters: any[]): any {
    const silent = brokenOff(`the database did not take the connection within ${CONNECT_MS} ms`, 'ETIMEDOUT');
    const timer = setTimeout(() => this.#stream.destroy(silent), CONNECT_MS);
    const clear = () => clearTimeout(timer);
    this.once('connect', clear);
    this.once('end', clear);
    return super.connect(...(parameters as []));
  }

  // A server that does not answer does not close the connection either.
  // biome-ignore lint/suspicious/noExplicitAny: with a callback or without, as pg has it.
  override end(...parameters: any[]): any {
    const stream = this.#stream;
    const timer = setTimeout(() => stream.destroy(), END_MS);
    stream.once('close', () => clearTimeout(timer));
    return super.end(...(parameters as []));
  }

  /** Says that the server owes nothing for the moment: it waits for this process. */
  pauseSilence(): void {
    this.#isAsking = false;
  }

  /** Counts the silence from now on, with the limit of the present statement or another. */
  resumeSilence(limitMs = this.#limitMs): void {
    this.#limitMs = limitMs;
    this.#heardAt = performance.now();
    this.#quietAt = this.#heardAt;
    this.#isAsking = true;
    const ms = Math.min(this.#limitMs, this.#quietMs);
    // One timer for many statements: it looks at the clock when it is due, and is not set anew for each.
    if (Number.isFinite(ms) && this.#heardAt + ms < this.#dueAt) this.#lookIn(ms);
  }

  /** The server's process, when it has owed an answer for two seconds and has sent nothing meanwhile. */
  get quietProcess(): number | undefined {
    const isQuiet = this.#isAsking && !this.#hasHeard() && performance.now() - this.#heardAt >= QUIET_MS;
    const { processID } = this as unknown as { processID: number | null };
    return isQuiet ? (processID ?? undefined) : undefined;
  }

  /** Whether the connection can take no statement any more, after an error that its last one ended with. */
  isBrokenBy(error: unknown): boolean {
    return this.#stream.destroyed || (error instanceof pg.DatabaseError && error.severity !== 'ERROR');
  }

  /** Breaks the connection at once: everything that waits for it rejects with that reason. */
  destroy(reason: string): void {
    this.#stream.destroy(brokenOff(reason, 'ECONNABORTED'));
  }

  // Another object once the connection is encrypted.
  get #stream(): Socket {
    return (this as unknown as { connection: { stream: Socket } }).connection.stream;
  }

  #look(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (!this.#isAsking) return;
    const now = performance.now();
    this.#hasHeard();
    const silentMs = now - this.#heardAt;
    // When this process itself stood still, the answer may be there already: it is read before this goes on.
    if (silentMs >= this.#limitMs) return void setImmediate(() => this.#giveUp());
    const quietMs = now - Math.max(this.#heardAt, this.#quietAt);
    const isQuiet = quietMs >= this.#quietMs;
    if (isQuiet) {
      this.#quietAt = now;
      this.#onQuiet?.();
    }
    this.#lookIn(Math.min(this.#limitMs - silentMs, this.#quietMs - (isQuiet ? 0 : quietMs)));
  }

  #giveUp(): void {
    if (!this.#isAsking) return;
    if (!this.#hasHeard())
      return void this.#stream.destroy(
        brokenOff(`the database has not answered for ${this.#limitMs} ms`, 'ETIMEDOUT'),
      );
    this.#lookIn(Math.min(this.#limitMs, this.#quietMs));
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => this.#look(), Math.ceil(ms)).unref();
  }

  // Bytes that have come since the last look count as of now.
  #hasHeard(): boolean {
    const { bytesRead } = this.#stream;
    const hasHeard = bytesRead !== this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (hasHeard) this.#heardAt = performance.now();
    return hasHeard;
  }

  #stopWatching(): void {
    this.#isAsking = false;
    clearTimeout(this.#timer);
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}

// In the form of an error of the socket, which Prisma's adapter knows too.
function brokenOff(message: string, code: 'ETIMEDOUT' | 'ECONNABORTED'): Error {
  return Object.assign(new Error(message), {
    code,
    errno: code === 'ETIMEDOUT' ? -110 : -103,
    syscall: 'read',
  });
}

const DASH = 45;
const ZERO = 48;

/**
 * Milliseconds since 1970 of a timestamptz as PostgreSQL prints it in ISO style: `2026-01-31 12:00:00.5+00`. Digits
 * below the millisecond are cut; NaN for what is no such time (`infinity`). A page has a hundred of them, and what the
 * usual session prints is read in a third of the time that `new Date` takes.
 */
export function parseTimestamp(text: string): number {
  if (!isUsual(text)) return new Date(isoOf(text)).getTime();
  return Date.UTC(
    twoDigits(text, 0) * 100 + twoDigits(text, 2),
    twoDigits(text, 5) - 1,
    twoDigits(text, 8),
    twoDigits(text, 11),
    twoDigits(text, 14),
    twoDigits(text, 17),
    Number(text.slice(20, -3).padEnd(3, '0').slice(0, 3)),
  );
}

// As it is, a year below 100 would be one of the twentieth century to `Date`.
function isoOf(text: string): string {
  return text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00');
}

// In UTC, with a year of four digits, which `Date.UTC` takes for itself from 100 on.
function isUsual(text: string): boolean {
  return text.endsWith('+00') && text.charCodeAt(4) === DASH && !text.startsWith('00');
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
}
