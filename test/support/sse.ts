import type { Answer } from './service.ts';

/** The results of a subscription as server-sent events, up to the end that the server says. */
export async function* serverSentEvents(
  url: string,
  { query, variables = {}, key }: { query: string; variables?: object; key: string },
): AsyncGenerator<Answer, void> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${key}`,
    },
    body: JSON.stringify({ query, variables }),
  });
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, name, data] = /^event: (\w+)\ndata: ?(.*)$/s.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (name === 'complete') return;
      if (name === 'next') yield JSON.parse(data ?? '') as Answer;
    }
  }
  throw new Error('the stream broke off');
}
