import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import { acceptsGzip } from './accepts-gzip.ts';
import { GRAPHQL_PATH } from './graphql-route.ts';

interface Page {
  gzipped: Buffer;
  etag: string;
  policy: string;
}

/** Whether a browser asks for a page. */
export function wantsPage({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');
}

/**
 * Makes the answering with GraphiQL. Its nine megabytes never change: they are made and compressed at the first visit,
 * kept compressed, and sent to a browser once.
 */
export function createPageRoute() {
  let page: Promise<Page> | undefined;
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    page ??= makePage();
    await answer(await page, request, response);
  };
}

async function makePage(): Promise<Page> {
  // Nine megabytes of source, which would be most of what a start has to read.
  const { graphiqlPage, graphiqlPolicy } = await import('./graphiql.ts');
  const html = graphiqlPage({ endpoint: GRAPHQL_PATH });
  const hash = createHash('sha256').update(html).digest('base64url').slice(0, 22);
  // Weak: the same page is sent with and without compression.
  return { gzipped: await promisify(gzip)(html), etag: `W/"${hash}"`, policy: graphiqlPolicy(html) };
}

async function answer(
  { gzipped, etag, policy }: Page,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isGzip = acceptsGzip(request);
  const isKnown = (request.headers['if-none-match'] ?? '').includes(etag);
  response.writeHead(isKnown ? 304 : 200, {
    'cache-control': 'no-cache',
    etag,
    vary: 'accept, accept-encoding',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...(isKnown ? {} : { 'content-type': 'text/html; charset=utf-8' }),
    ...(isGzip && !isKnown ? { 'content-encoding': 'gzip', 'content-length': gzipped.length } : {}),
  });
  if (isKnown || request.method === 'HEAD') response.end();
  else if (isGzip) response.end(gzipped);
  else await pipeline(Readable.from([gzipped]), createGunzip(), response);
}
