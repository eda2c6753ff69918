import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { ServerOptions } from 'graphql-ws';
import type { Principal } from '../auth/principal-and-scopes.ts';
import { RequestWork } from '../auth/request-work.ts';
import { AuditError } from '../errors.ts';
import type { Context, ResultSender, Services } from '../schema/context.ts';
import { spendWork } from '../schema/cost.ts';
import { isIterable } from './async-results.ts';
import { resultForClient, showError } from './client-errors.ts';
import { type CheckedDocument, requireOperation } from './documents.ts';
import type { RequestLimiter } from './load-limits.ts';
import { checkParams } from './operation-request.ts';
import { KEY_ENDED } from './subscriptions.ts';
import { CLOSE_CODES, type Connection, type WebSocketOptions } from './websocket-connection.ts';
import { clientId, TOO_MANY_OPERATIONS } from './websocket-operation-ids.ts';
import type { Yoga } from './yoga.ts';

const INIT_TIMEOUT_MS = 5_000;

type Enveloped = ReturnType<Yoga['getEnveloped']>;
/** The arguments of an operation, with the functions that run it in `rootValue`, as in Yoga's recipe for graphql-ws. */
type EnvelopedArgs = ExecutionArgs & {
  rootValue: Pick<Enveloped, 'execute' | 'subscribe'> & { onStarted: () => void };
};

/** The options of graphql-ws: authenticates clients, and checks and executes operations with Yoga's plugins. */
export function protocolOptions(
  options: WebSocketOptions,
): ServerOptions<Record<string, unknown>, Connection> {
  const { requests, log } = options;
  return {
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: ({ connectionParams, extra }) => connect(options, extra, connectionParams),
    // A refused operation is answered with an error message; the others on the socket continue.
    onSubscribe: ({ extra }, id, payload) => {
      const params = { ...payload };
      // graphql-ws keeps the message as long as the operation lasts, so its members are removed.
      for (const name of Object.keys(payload)) Reflect.deleteProperty(payload, name);
      if (!extra.operations.areTooMany) return prepareOrRefuse(options, extra, id, params);
      return errorsOf(new AuditError('OVERLOADED', TOO_MANY_OPERATIONS));
    },
    execute: (args: ExecutionArgs) => execute(args as EnvelopedArgs, requests),
    subscribe: (args: ExecutionArgs) => subscribe(args as EnvelopedArgs),
    onNext: (_context, _id, _params, _args, result) => resultForClient(result, log),
    onError: (_context, _id, _params, errors) =>
      resultForClient({ errors: errors.flatMap(causesOf) }, log).errors,
  };
}

async function connect(
  { authenticate, peerOf, services: { sessions }, log }: WebSocketOptions,
  connection: Connection,
  { Authorization, authorization }: Record<string, unknown> = {},
): Promise<boolean> {
  const given = Authorization ?? authorization ?? undefined;
  try {
    const value = given === undefined || typeof given === 'string' ? given : 'not a text';
    connection.principal = await authenticate(value, peerOf(connection.request));
    connection.isAdmitted = true;
    endWithKey(sessions, connection);
    return true;
  } catch (error) {
    const { message, extensions } = showError(error, log);
    if (extensions.code === 'UNAUTHENTICATED')
      connection.socket.close(CLOSE_CODES.keyInvalid, `Forbidden: ${message}`);
    else connection.socket.close(CLOSE_CODES.tryAgainLater, `${extensions.code}: try again later`);
    return false;
  }
}

function endWithKey(sessions: Services['sessions'], connection: Connection): void {
  const { principal, socket } = connection;
  if (!principal || socket.readyState !== socket.OPEN) return;
  const release = sessions.open(principal, () => {
    connection.principal = undefined;
    // After the last messages of the subscriptions, which are sent in this turn.
    setImmediate(() => socket.close(CLOSE_CODES.keyInvalid, 'Forbidden'));
  });
  socket.once('close', release);
}

/** An operation as graphql-ws received it. */
interface ReceivedOperation {
  id: string;
  payload: object;
  /** The work done for it so far. */
  work: RequestWork;
}

async function prepareOrRefuse(
  options: WebSocketOptions,
  connection: Connection,
  id: string,
  payload: object,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const { principal, work } = connection;
  // From now on the work counts for the operation, and not for the message.
  connection.work = new RequestWork();
  const prepared = await prepare(options, connection, { id, payload, work }).catch(errorsOf);
  // For an operation that is executed, the cost plugin does this.
  if (principal && 'length' in prepared) spendWork({ services: options.services, principal, work });
  return prepared;
}

async function prepare(
  options: WebSocketOptions,
  connection: Connection,
  { id, payload, work }: ReceivedOperation,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const { yoga, documents, peerOf, services, log } = options;
  const { principal, request, bytes } = connection;
  if (!principal) throw new AuditError('UNAUTHENTICATED', KEY_ENDED);
  services.rates.check(principal.keyId);
  const params = checkParams(payload);
  const text = documents.textOf(params);
  const checked = options.checks.known(text) ?? (await checkText(options, { principal, work, bytes }, text));
  const sender = new OperationSender(connection, clientId(id), (result) =>
    JSON.stringify(resultForClient(result, log)),
  );
  const { schema, parse, validate, contextFactory, execute, subscribe } = yoga.getEnveloped({
    principal,
    peer: peerOf(request),
    sender,
    work,
    checked,
  } as never);
  const document = parse(text);
  requireOperation(document, params.operationName);
  const errors = validate(schema, document);
  if (errors.length > 0) return errors;
  return {
    schema,
    document,
    operationName: params.operationName,
    variableValues: params.variables,
    contextValue: await contextFactory(),
    rootValue: { execute, subscribe, onStarted: () => connection.operations.started(id) },
  };
}

// While its document is checked, the message counts as a request that is being answered.
async function checkText(
  { checks, services, requests }: WebSocketOptions,
  { principal, work, bytes }: Pick<Connection, 'work' | 'bytes'> & { principal: Principal },
  text: string,
): Promise<CheckedDocument> {
  const request = {};
  requests.enter(request);
  try {
    requests.hold(request, bytes);
    return await checks.check(text, { services, principal, work });
  } finally {
    requests.leave(request);
  }
}

async function execute(args: EnvelopedArgs, requests: RequestLimiter): Promise<ExecutionResult> {
  try {
    requests.enter(args);
    return await args.rootValue.execute(args);
  } catch (error) {
    return { errors: refusedAs(error, args) };
  } finally {
    requests.leave(args);
  }
}

// A subscription that cannot begin throws, so that graphql-ws sends an `error` message. It would send a returned result as `next`.
async function subscribe(args: EnvelopedArgs): Promise<AsyncIterable<ExecutionResult>> {
  try {
    const outcome = await args.rootValue.subscribe(args);
    if (!isIterable<ExecutionResult>(outcome)) return failing(outcome.errors ?? []);
    args.rootValue.onStarted();
    return outcome;
  } catch (error) {
    return failing(refusedAs(error, args));
  }
}

// Takes the work before the failure from the key's rate limit.
function refusedAs(error: unknown, { contextValue }: EnvelopedArgs): GraphQLError[] {
  spendWork(contextValue as Context);
  return errorsOf(error);
}

function failing(errors: readonly GraphQLError[]): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new AggregateError(errors)) }) };
}

function causesOf(error: GraphQLError): GraphQLError[] {
  return error.originalError instanceof AggregateError ? error.originalError.errors : [error];
}

function errorsOf(error: unknown): GraphQLError[] {
  return [error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error })];
}

/** A subscriber with more unsent bytes is a slow consumer: it reads the log itself, at the pace of its client. */
const BEHIND_BYTES = 65_536;

/**
 * Sends the results of the operation `id` to a client, as graphql-ws' messages of type `next`. A result is encoded once for
 * all clients; this adds the part of the message that holds the id.
 *
 * A class, since V8 gives every object literal with a getter another shape, which makes thousands of them slow.
 */
export class OperationSender implements ResultSender {
  readonly #connection: Pick<Connection, 'socket' | 'send'>;
  readonly #textOf: (result: ExecutionResult) => string;
  readonly #head: Buffer;

  constructor(
    connection: Pick<Connection, 'socket' | 'send'>,
    id: string,
    textOf: (result: ExecutionResult) => string,
  ) {
    this.#connection = connection;
    this.#textOf = textOf;
    this.#head = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
  }

  // With the closing brace of the message.
  encode(result: ExecutionResult): Buffer {
    return Buffer.from(`${this.#textOf(result)}}`);
  }

  send(encoded: Buffer): void {
    const { socket } = this.#connection;
    if (socket.readyState === socket.OPEN)
      socket.send(Buffer.concat([this.#head, encoded]), { binary: false });
  }

  get isBehind(): boolean {
    return this.#connection.socket.bufferedAmount > BEHIND_BYTES;
  }

  sendAndWait(encoded: Buffer): Promise<void> {
    return this.#connection.send(Buffer.concat([this.#head, encoded]));
  }
}
