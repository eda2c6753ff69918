/** Something that happens again and again, for any number who wait for its next time. */
export class Signal {
  #resolve: () => void = () => undefined;
  #next: Promise<void>;

  constructor() {
    this.#next = this.#arm();
  }

  /** Settles the next time. Ask before looking at the state, so that nothing in between is missed. */
  get next(): Promise<void> {
    return this.#next;
  }

  fire(): void {
    const resolve = this.#resolve;
    this.#next = this.#arm();
    resolve();
  }

  #arm(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
