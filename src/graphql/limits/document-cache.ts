/**
 * What is known of documents by their text, the latest used first to stay. Bounded by characters, not by number: the
 * tree of a document takes some fifty times the memory of its text. Larger documents are not kept at all.
 */
export class DocumentCache<Value> {
  readonly #kept = new Map<string, Value>();
  readonly #most: { characters: number; each: number };
  #characters = 0;

  constructor(most: { characters: number; each: number }) {
    this.#most = most;
  }

  get(text: string): Value | undefined {
    const value = this.#kept.get(text);
    if (value === undefined) return undefined;
    this.#kept.delete(text);
    this.#kept.set(text, value);
    return value;
  }

  set(text: string, value: Value): void {
    if (text.length > this.#most.each) return;
    if (!this.#kept.delete(text)) this.#characters += text.length;
    this.#kept.set(text, value);
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= this.#most.characters) return;
      this.#kept.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}
