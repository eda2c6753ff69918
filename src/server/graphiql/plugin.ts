import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Plugin } from 'graphql-yoga';
import { acceptsGzip, GRAPHQL_PATH, type HttpContext } from '../request.ts';

interface GraphiqlPage {
  gzipped: Uint8Array<ArrayBuffer>;
  etag: string;
  policy: string;
}

/** A placeholder that Yoga renders. `usePageCaching` replaces it by the compressed page of nine megabytes. */
const MARK = '<!doctype html><title>GraphiQL</title>';

/** Renders the placeholder, as Yoga's `renderGraphiQL`. */
export function renderPage(): string {
  return MARK;
}

/**
 * Sends the GraphiQL page. Its nine megabytes are built and compressed at the first visit and kept compressed. Browsers
 * cache the page by its ETag.
 */
export function usePageCaching(): Plugin<object, HttpContext> {
  let page: Promise<GraphiqlPage> | undefined;
  return {
    async onResponse({ response, setResponse, fetchAPI, serverContext: { req, res } }) {
      if (!response.headers.get('content-type')?.startsWith('text/html')) return;
      page ??= makePage().catch((error) => {
        page = undefined;
        throw error;
      });
      const { gzipped, etag, policy } = await page;
      const isKnown = (req.headers['if-none-match'] ?? '').includes(etag);
      const isGzip = acceptsGzip(req);
      const headers = {
        'cache-control': 'no-cache',
        etag,
        vary: ['accept, accept-encoding', res.getHeader('vary')].filter(Boolean).join(', '),
        'content-security-policy': policy,
        ...(isKnown ? {} : { 'content-type': 'text/html; charset=utf-8' }),
        ...(isGzip && !isKnown
          ? { 'content-encoding': 'gzip', 'content-length': String(gzipped.length) }
          : {}),
      };
      if (isKnown) return setResponse(new fetchAPI.Response(null, { status: 304, headers }));
      const body = isGzip ? gzipped : new Uint8Array(await promisify(gunzip)(gzipped));
      setResponse(new fetchAPI.Response(body, { status: 200, headers }));
    },
  };
}

async function makePage(): Promise<GraphiqlPage> {
  // Loaded late: these nine megabytes of source would take most of the time of a start.
  const { graphiqlPage, graphiqlPolicy } = await import('./page.ts');
  // Relative to the page: a program may mount the API below another path.
  const html = graphiqlPage({ endpoint: GRAPHQL_PATH.slice(1) });
  const hash = createHash('sha256').update(html).digest('base64url').slice(0, 22);
  // A weak ETag: the same page is sent with and without compression.
  return {
    gzipped: new Uint8Array(await promisify(gzip)(html)),
    etag: `W/"${hash}"`,
    policy: graphiqlPolicy(html),
  };
}
