/** A tile path, note, checkpoint, proof or key that does not have the form its specification asks for. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
