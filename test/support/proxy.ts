import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A connection through the proxy. */
export interface Pair {
  /** From now on nothing passes in either direction, and the ends hear of nothing: neither bytes nor the end. */
  silence(): void;
  /** From now on nothing of the client passes, until `goOn`. */
  hold(): void;
  goOn(): void;
  /** Both ends hear that it is gone. */
  cut(): void;
}

/** A TCP proxy in front of a database, whose connections can fall silent as on a network that loses every packet. */
export interface TcpProxy {
  /** The database through the proxy. */
  url: string;
  /** Those that are open. */
  pairs: ReadonlySet<Pair>;
  /** Whether connections, old and new ones, are silent. */
  isSilent: boolean;
  /**
   * Called with what a client sends; before it passes on. It may return how many of the bytes pass: then the pair is held,
   * and the rest comes again when it goes on.
   */
  onSent: ((pair: Pair, bytes: Buffer) => number | undefined) | undefined;
  /** Called with what the server sends; before it passes on. */
  onReceived: ((pair: Pair, bytes: Buffer) => void) | undefined;
  close(): Promise<void>;
}

/** Starts one on a free port of the loopback. */
export async function startProxy(databaseUrl: string): Promise<TcpProxy> {
  const target = new URL(databaseUrl);
  const pairs = new Set<Pair>();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: Number(target.port), host: target.hostname, allowHalfOpen: true });
    let isSilent = false;
    const passes = () => !isSilent && !proxy.isSilent;
    const pair: Pair = {
      silence() {
        isSilent = true;
      },
      hold: () => void near.pause(),
      goOn: () => void near.resume(),
      cut() {
        near.destroy();
        far.destroy();
      },
    };
    pairs.add(pair);
    near.on('data', (bytes) => {
      const count = proxy.onSent?.(pair, bytes) ?? bytes.length;
      if (passes() && count > 0) far.write(bytes.subarray(0, count));
      if (count >= bytes.length) return;
      near.pause();
      near.unshift(bytes.subarray(count));
    });
    far.on('data', (bytes) => {
      proxy.onReceived?.(pair, bytes);
      if (passes()) near.write(bytes);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('end', () => passes() && other.end());
      one.on('close', () => {
        sockets.delete(one);
        pairs.delete(pair);
        if (passes()) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const proxy: TcpProxy = {
    url: url.href,
    pairs,
    isSilent: false,
    onSent: undefined,
    onReceived: undefined,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
