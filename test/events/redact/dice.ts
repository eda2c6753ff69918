const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const NUMBERS = '0123456789';

/** Characters that tokens are made of. */
export const ALPHABETS = {
  hex: `${NUMBERS}abcdef`,
  digits: NUMBERS,
  lower: LOWER + NUMBERS,
  upper: UPPER + NUMBERS,
  base32: `${UPPER}234567`,
  base62: LOWER + UPPER + NUMBERS,
  base64: `${LOWER + UPPER + NUMBERS}+/`,
  base64url: `${LOWER + UPPER + NUMBERS}-_`,
} as const;
export type Alphabet = keyof typeof ALPHABETS;

/** Chance that repeats itself: the same seed gives the same samples (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 to below `sides`. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)] as T;
  }

  /** Characters of an alphabet. */
  text(alphabet: Alphabet, length: number): string {
    const characters = ALPHABETS[alphabet];
    return Array.from({ length }, () => characters[this.roll(characters.length)]).join('');
  }
}
