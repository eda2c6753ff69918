/** What was started, to be closed in the reverse order, each once. */
export class Closers {
  readonly #closings: (() => unknown)[] = [];
  #closed: Promise<void> | undefined;

  /** Has the part closed before those that were added earlier, and returns it. */
  add<Part>(part: Part, close: (part: Part) => unknown): Part {
    this.#closings.push(() => close(part));
    return part;
  }

  /** Closes everything; what goes wrong stops nothing, and the first of it is thrown at the end. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closings.reverse()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
