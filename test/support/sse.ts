import { type IncomingMessage, request } from 'node:http';
import { ADMIN_KEY, type Answer } from './service.ts';

/** One message of an event stream: an event with its data, or a comment. */
export interface StreamMessage {
  event?: string;
  data?: string;
  comment?: string;
}

/** A subscription over server-sent events, seen as what arrives on the wire. */
export interface EventStream {
  status: number;
  response: IncomingMessage;
  /** The messages as they come; what is not read stays in the socket. Ends when the server ends the response. */
  messages: AsyncGenerator<StreamMessage, void>;
  /** Lets go of the connection without a word. */
  disconnect(): void;
}

/** Posts an operation that asks for an event stream, and resolves when the server begins to answer. */
export function openStream(
  url: string,
  query: string,
  variables: object = {},
  key: string = ADMIN_KEY,
): Promise<EventStream> {
  return new Promise((resolve, reject) => {
    const posted = request(`${url}/graphql`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${key}`,
      },
    });
    posted.once('error', reject);
    posted.once('response', (response) =>
      resolve({
        status: response.statusCode ?? 0,
        response,
        messages: messagesOf(response),
        disconnect: () => posted.destroy(),
      }),
    );
    posted.end(JSON.stringify({ query, variables }));
  });
}

/** The results of a subscription as server-sent events, up to the end that the server says. */
export async function* serverSentEvents(
  url: string,
  { query, variables = {}, key }: { query: string; variables?: object; key: string },
): AsyncGenerator<Answer, void> {
  const stream = await openStream(url, query, variables, key);
  for await (const { event, data } of stream.messages) {
    if (event === 'complete') return;
    if (event === 'next') yield JSON.parse(data ?? '') as Answer;
  }
  throw new Error('the stream broke off');
}

/** The results of the stream's `next` events, each parsed. */
export async function* resultsOf<T>(stream: EventStream): AsyncGenerator<T, void> {
  for await (const { event, data } of stream.messages) {
    if (event === 'next') yield JSON.parse(data ?? '') as T;
  }
}

async function* messagesOf(response: IncomingMessage): AsyncGenerator<StreamMessage, void> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    yield* blocks.map(parseMessage);
  }
}

// Of the format (HTML, 9.2.6) this is what the service uses: one line each, with or without a space after the colon.
function parseMessage(block: string): StreamMessage {
  const message: StreamMessage = {};
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
    if (field === 'event' || field === 'data') message[field] = value;
    else if (field === '') message.comment = value;
  }
  return message;
}
