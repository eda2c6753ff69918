import { ADMIN_KEY, type Answer, post, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';

/** A way to ask the service, as the admin, one thing after the other. */
export interface Transport {
  ask<Data = Record<string, never>>(query: string, variables?: object): Promise<Answer<Data>>;
  close(): void;
}

/** The same service over HTTP and over WebSocket: what holds on one holds on the other. */
export const TRANSPORTS: Record<string, (service: TestService) => Promise<Transport>> = {
  HTTP: async ({ url }) => ({
    ask: (query, variables) => post(url, JSON.stringify({ query, variables }), ADMIN_KEY),
    close() {},
  }),
  WebSocket: async ({ url }) => {
    const { socket, send, next } = await connectSocket(url);
    let id = 0;
    return {
      async ask<Data>(query: string, variables?: object) {
        id += 1;
        send({ type: 'subscribe', id: String(id), payload: { query, variables } as never });
        const { type, payload } = await next();
        if (type === 'error') return { errors: payload } as Answer<Data>;
        if ((await next()).type !== 'complete') throw new Error('expected one result');
        return payload as Answer<Data>;
      },
      close: () => socket.terminate(),
    };
  },
};
