/** How long a response may be due without any data until it counts as quiet. */
const QUIET_MS = 2_000;

export interface SilenceWatchOptions {
  /** The number of bytes that were received so far. */
  bytesRead: () => number;
  /** Called after each two seconds of silence while a response is due. */
  onQuiet: (() => void) | undefined;
  /** Called when the silence exceeds its limit. */
  onLimit: (limitMs: number) => void;
}

/**
 * Measures the silence of a server while a response is due: the time since the response became due, or since the last bytes
 * arrived. One timer serves many statements: it compares times when it fires, and is not reset for each statement.
 */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  readonly #quietMs: number;
  #isDue = false;
  #limitMs = 0;
  /** When the silence began. */
  #silentSince = 0;
  /** When the silence began, or was last reported as quiet. */
  #reportedAt = 0;
  #bytesRead = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #firesAt = Number.POSITIVE_INFINITY;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    this.#quietMs = options.onQuiet ? QUIET_MS : Number.POSITIVE_INFINITY;
  }

  /** Whether a response is due. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** Whether a response has been due for two seconds without any data. */
  get isQuiet(): boolean {
    return this.#isDue && !this.#hasReceived() && performance.now() - this.#silentSince >= QUIET_MS;
  }

  /** Starts the measurement for a statement that is sent now. */
  start(limitMs: number): void {
    this.#bytesRead = this.#options.bytesRead();
    this.resume(limitMs);
  }

  /** Restarts the measurement from now, with the limit of the current statement or another. */
  resume(limitMs = this.#limitMs): void {
    this.#limitMs = limitMs;
    this.#silentSince = performance.now();
    this.#reportedAt = this.#silentSince;
    this.#isDue = true;
    const waitMs = Math.min(limitMs, this.#quietMs);
    if (Number.isFinite(waitMs) && this.#silentSince + waitMs < this.#firesAt) this.#checkIn(waitMs);
  }

  /** Pauses the measurement: no response is due. */
  pause(): void {
    this.#isDue = false;
  }

  /** Ends the measurement. */
  stop(): void {
    this.pause();
    clearTimeout(this.#timer);
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #checkIn(waitMs: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = performance.now() + waitMs;
    this.#timer = setTimeout(() => this.#check(), Math.ceil(waitMs)).unref();
  }

  #check(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (!this.#isDue) return;
    const now = performance.now();
    this.#hasReceived();
    const silentMs = now - this.#silentSince;
    // If this process itself was suspended, the response may already be in the socket. `setImmediate` lets it be read
    // first.
    if (silentMs >= this.#limitMs) return void setImmediate(() => this.#reportLimit());
    const unreportedMs = now - Math.max(this.#silentSince, this.#reportedAt);
    const isQuiet = unreportedMs >= this.#quietMs;
    if (isQuiet) {
      this.#reportedAt = now;
      this.#options.onQuiet?.();
    }
    this.#checkIn(Math.min(this.#limitMs - silentMs, this.#quietMs - (isQuiet ? 0 : unreportedMs)));
  }

  #reportLimit(): void {
    if (!this.#isDue) return;
    if (this.#hasReceived()) this.#checkIn(Math.min(this.#limitMs, this.#quietMs));
    else this.#options.onLimit(this.#limitMs);
  }

  /** Whether bytes have arrived since the last call. They count as received now. */
  #hasReceived(): boolean {
    const bytesRead = this.#options.bytesRead();
    if (bytesRead === this.#bytesRead) return false;
    this.#bytesRead = bytesRead;
    this.#silentSince = performance.now();
    return true;
  }
}
