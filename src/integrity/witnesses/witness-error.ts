/** A witness did not cosign. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError';
  /** Whether it says that the log is not the one it knows: it was rewritten or rolled back, or the witness is wrong. */
  readonly isDispute: boolean;

  /** How long it asks to be left alone, in milliseconds; 0: it does not say. */
  readonly retryAfterMs: number;

  constructor(message: string, { isDispute = false, retryAfterMs = 0 } = {}) {
    super(message);
    this.isDispute = isDispute;
    this.retryAfterMs = retryAfterMs;
  }
}
