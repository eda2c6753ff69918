import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogEventInput } from '../../src/import/event-input.ts';

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

/** A log that keeps what `logEvents` sends in memory, by idempotency key, and can be told to answer otherwise. */
export interface LogServer {
  url: string;
  events: LogEventInput[];
  batches: LogEventInput[][];
  /** Answers given instead of the next ones, first to last. */
  instead: (Answer | 'hang up')[];
  /** Says what is wrong with a batch: the whole answer's errors, or none. */
  judge: (batch: LogEventInput[]) => object[];
  /** What the signed link of an export streams. */
  exported: string;
  exportVariables: unknown;
  close(): Promise<void>;
}

export const KEY = 'test-key';

export async function startLogServer(): Promise<LogServer> {
  const server = createServer((request, response) => void handle(log, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const log: LogServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events: [],
    batches: [],
    instead: [],
    judge: () => [],
    exported: '',
    exportVariables: undefined,
    close: () => closed(server),
  };
  return log;
}

async function handle(log: LogServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/exports/signed') return void response.end(log.exported);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const instead = log.instead.shift();
  if (instead === 'hang up') return void request.socket.destroy();
  const answer = instead ?? answerTo(log, request, JSON.parse(Buffer.concat(chunks).toString()));
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  response
    .writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
    .end(text);
}

interface Operation {
  query: string;
  variables: { input: LogEventInput[] };
}

function answerTo(log: LogServer, request: IncomingMessage, { query, variables }: Operation): Answer {
  if (request.url !== '/graphql') return { status: 404, body: 'not here' };
  if (request.headers.authorization !== `Bearer ${KEY}`) return failure('UNAUTHENTICATED', 'no such key');
  if (query.includes('auditExport')) {
    log.exportVariables = variables;
    return { body: { data: { auditExport: { url: '/exports/signed' } } } };
  }
  const errors = log.judge(variables.input);
  if (errors.length > 0) return { body: { errors } };
  log.batches.push(variables.input);
  return { body: { data: { logEvents: { results: variables.input.map((event) => record(log, event)) } } } };
}

function record(log: LogServer, event: LogEventInput): { status: string } {
  if (log.events.some(({ idempotencyKey }) => idempotencyKey === event.idempotencyKey))
    return { status: 'DUPLICATE' };
  if (event.userId === 'filtered') return { status: 'FILTERED' };
  log.events.push(event);
  return { status: 'RECORDED' };
}

/** An answer with one error. */
export function failure(code: string, message: string, path?: string): Answer {
  return { body: { errors: [{ message, extensions: { code, ...(path === undefined ? {} : { path }) } }] } };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
