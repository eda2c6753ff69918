import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** A POST request for JSON as it goes over the wire, made once and sent often. */
export function postRequest(url: string, body: string, key?: string): Buffer {
  const { pathname, host } = new URL(url);
  const bytes = Buffer.from(body);
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    'accept: application/json',
    ...(key === undefined ? [] : [`authorization: Bearer ${key}`]),
    `content-length: ${bytes.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes]);
}

/** A request whose body is GraphQL. */
export function graphqlRequest(
  { url, key }: { url: string; key?: string | undefined },
  query: string,
  variables: object = {},
): Buffer {
  return postRequest(url, JSON.stringify({ query, variables }), key);
}

/**
 * A keep-alive connection that sends one request at a time and does little else: the load generator shares the
 * processors with what it measures.
 */
export class Connection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #head: { end: number; length: number | undefined } | undefined;
  #settle: { resolve: (body: Buffer) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('the connection was closed')));
  }

  /** Connects to the host and port of the address. */
  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** Sends a request and resolves with the body of the answer, which must be a 200 without GraphQL errors. */
  send(request: Buffer): Promise<Buffer> {
    if (!this.#socket.writable) return Promise.reject(new Error('the connection was closed'));
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#head ??= this.#readHead();
    if (!this.#head) return;
    const { end, length } = this.#head;
    if (length === undefined ? !this.#whole().subarray(-5).equals(LAST_CHUNK) : this.#bytes < end + length)
      return;
    const whole = this.#whole();
    this.#chunks = [];
    this.#bytes = 0;
    this.#head = undefined;
    const body = whole.subarray(end);
    const settle = this.#settle;
    this.#settle = undefined;
    if (whole.toString('latin1', 9, 12) !== '200' || body.includes('"errors":[')) {
      settle?.reject(new Error(`refused: ${whole.toString('utf8', 0, 1_000)}`));
    } else settle?.resolve(length === undefined ? unchunked(body) : body);
  }

  #whole(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  #readHead(): { end: number; length: number | undefined } | undefined {
    const whole = this.#whole();
    const at = whole.indexOf(HEAD_END);
    if (at < 0) return undefined;
    const length = /^content-length: *(\d+)/im.exec(whole.toString('latin1', 0, at))?.[1];
    return { end: at + 4, length: length === undefined ? undefined : Number(length) };
  }
}

/** The body without its chunk sizes (RFC 9112, section 7.1). */
function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (size === 0) break;
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
