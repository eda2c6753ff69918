/** A witness did not cosign. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError';
  /** Whether it says that the log is not the one it knows: it was rewritten or rolled back, or the witness is wrong. */
  readonly isDispute: boolean;

  constructor(message: string, { isDispute = false } = {}) {
    super(message);
    this.isDispute = isDispute;
  }
}
