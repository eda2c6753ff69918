import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A connection through a proxy. */
export interface Pair {
  /** Resets both of its ends. */
  cut(): void;
}

/** Called with what is to pass; returns what passes in its place. */
export type OnData = (data: Buffer, pair: Pair) => Buffer;

/** A TCP proxy on the loopback. */
export interface CutProxy {
  port: number;
  /** The connections that are open now. */
  pairs: ReadonlySet<Pair>;
  close(): Promise<void>;
}

/** Starts a proxy to a port of the loopback. */
export async function startProxy(
  toPort: number,
  { onUp = same, onDown = same }: { onUp?: OnData; onDown?: OnData } = {},
): Promise<CutProxy> {
  const pairs = new Set<Pair>();
  const server = createServer((client) => {
    const target = connect(toPort, '127.0.0.1');
    const pair: Pair = {
      cut() {
        pairs.delete(pair);
        client.resetAndDestroy();
        target.resetAndDestroy();
      },
    };
    pairs.add(pair);
    join(client, target, (data) => onUp(data, pair));
    join(target, client, (data) => onDown(data, pair));
    client.once('close', () => pairs.delete(pair));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    pairs,
    async close() {
      for (const pair of pairs) pair.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function join(from: Socket, to: Socket, change: (data: Buffer) => Buffer): void {
  from.setNoDelay(true);
  from.on('error', () => to.destroy());
  from.once('close', () => to.destroy());
  from.on('data', (data) => {
    const passing = change(data);
    if (passing.length > 0 && to.writable) to.write(passing);
  });
}

function same(data: Buffer): Buffer {
  return data;
}
