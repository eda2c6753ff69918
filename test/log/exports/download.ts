import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** An answer as it is on the wire, before its body is read; `whole` rejects when the connection breaks. */
export interface Download {
  response: IncomingMessage;
  whole(): Promise<Buffer>;
  disconnect(): void;
}

/** Opens an address without decompression or anything else that a client adds. */
export async function open(
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Download> {
  const asked = request(url, { method, headers, agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return {
    response,
    async whole() {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    disconnect: () => asked.destroy(),
  };
}
