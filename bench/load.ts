import { Connection } from './http-client.ts';

/** What a load came to: answers in a second, and how long one took, in milliseconds. */
export interface LoadResult {
  count: number;
  perSecond: number;
  p50: number;
  p99: number;
}

/** A load: so many connections, each of which sends the next request when the answer to the one before is there. */
export interface Load {
  /** The addresses of the instances, which the connections are spread over. */
  urls: readonly string[];
  connections: number;
  /** The next request to one of the addresses; undefined ends the load. */
  next(url: string): Buffer | undefined;
  /** Ends the load after so many seconds, if `next` does not end it. */
  seconds?: number;
}

/** Puts the load on and resolves when its last answer is there. Throws when an answer is an error. */
export async function run({
  urls,
  connections,
  next,
  seconds = Number.POSITIVE_INFINITY,
}: Load): Promise<LoadResult> {
  const open = await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const url = urls[index % urls.length] as string;
      return { url, connection: await Connection.open(url) };
    }),
  );
  const times: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1_000;
  try {
    await Promise.all(
      open.map(async ({ url, connection }) => {
        for (let sentAt = start; sentAt < end; ) {
          const request = next(url);
          if (!request) return;
          sentAt = performance.now();
          await connection.send(request);
          times.push(performance.now() - sentAt);
        }
      }),
    );
  } finally {
    for (const { connection } of open) connection.close();
  }
  const elapsed = (performance.now() - start) / 1_000;
  times.sort((a, b) => a - b);
  return {
    count: times.length,
    perSecond: times.length / elapsed,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}

/** The value below which that share of the sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Hands out the values again and again. */
export function cycle<T>(values: readonly T[]): () => T {
  let count = 0;
  return () => values[count++ % values.length] as T;
}
