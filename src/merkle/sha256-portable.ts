/** The first 32 bits of the fractional part of `root`, as FIPS 180-4 derives its constants. */
function fraction(root: number): number {
  return Math.trunc((root - Math.trunc(root)) * 2 ** 32) | 0;
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

const PRIMES = firstPrimes(64);
const ROUND_CONSTANTS = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const INITIAL_STATE = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/** `data` followed by a 1 bit, zeros, and its length in bits: a multiple of 64 bytes (FIPS 180-4, 5.1.1). */
function pad(data: Uint8Array): DataView {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(data.length) * 8n);
  return view;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** Fills the message schedule from the 64 bytes at `offset` (FIPS 180-4, 6.2.2, step 1). */
function expand(schedule: Int32Array, block: DataView, offset: number): void {
  const word = (index: number) => schedule[index] as number;
  for (let t = 0; t < 16; t++) schedule[t] = block.getInt32(offset + 4 * t);
  for (let t = 16; t < 64; t++) {
    const w2 = word(t - 2);
    const w15 = word(t - 15);
    const sigma0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const sigma1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    schedule[t] = sigma1 + word(t - 7) + sigma0 + word(t - 16);
  }
}

/** Compresses one block, given as its schedule, and adds it to `state` (FIPS 180-4, 6.2.2, steps 2 to 4). */
function compress(state: Int32Array, schedule: Int32Array): void {
  let [a, b, c, d, e, f, g, h] = [...state] as Words;
  for (let t = 0; t < 64; t++) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + sum1 + choice + (ROUND_CONSTANTS[t] as number) + (schedule[t] as number)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + sum0 + majority) | 0];
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) {
    state[index] = (state[index] as number) + word;
  }
}

type Words = [number, number, number, number, number, number, number, number];

/**
 * SHA-256 in plain JavaScript (FIPS 180-4), for places without node:crypto: WebCrypto only hashes asynchronously.
 * Some ten times slower than node:crypto. Nothing hashed here is secret, so its timing gives nothing away.
 */
export function sha256Portable(data: Uint8Array): Uint8Array {
  const state = INITIAL_STATE.slice();
  const schedule = new Int32Array(64);
  const blocks = pad(data);
  for (let offset = 0; offset < blocks.byteLength; offset += 64) {
    expand(schedule, blocks, offset);
    compress(state, schedule);
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => {
    digest.setInt32(4 * index, word);
  });
  return new Uint8Array(digest.buffer);
}
