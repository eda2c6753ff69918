import { CloseCode } from 'graphql-ws';

/** Most operations of a socket at a time. */
const MAX_OPERATIONS = 100;
/** In UTF-16 code units. A UUID has 36. */
const MAX_ID_LENGTH = 128;

interface Operation {
  id: string;
  number: number;
  /** Whether the server still works on it: until there is an outcome, it cannot be stopped. */
  isPending: boolean;
}

/** A message for graphql-ws, and what to call when it has done with it; or why it is refused, as a close. */
type Taken = { message: unknown; release: () => void } | { code: CloseCode; refusal: string };

/**
 * The operations of a socket. The client may use an id again as soon as it has said `complete`, also while the server
 * works on the first operation. graphql-ws keeps operations by their id and confuses the two. So it is given ids that are
 * never used again, the client's with a number before it, and the number is taken off again in what it sends.
 */
export class OperationIds {
  readonly #current = new Map<string, Operation>();
  readonly #unfinished = new Set<Operation>();
  #last = 0;

  /** Takes a message as it was parsed, or its text. Nothing of it is checked yet. */
  take(message: unknown): Taken {
    const { type, id, payload } = Object(message) as Record<string, unknown>;
    // What has no id, or a wrong one, is for the protocol to refuse.
    if ((type !== 'subscribe' && type !== 'complete') || typeof id !== 'string' || id === '')
      return { message, release: () => undefined };
    if (id.length > MAX_ID_LENGTH)
      return { code: CloseCode.BadRequest, refusal: `id: must have at most ${MAX_ID_LENGTH} characters` };
    return type === 'complete' ? this.#complete(id) : this.#begin(id, payload);
  }

  #begin(id: string, payload: unknown): Taken {
    if (this.#current.has(id))
      return {
        code: CloseCode.SubscriberAlreadyExists,
        refusal: 'id: an operation with this id is under way',
      };
    this.#last += 1;
    const operation: Operation = { id, number: this.#last, isPending: true };
    this.#current.set(id, operation);
    this.#unfinished.add(operation);
    const release = () => {
      operation.isPending = false;
      this.#leave(operation);
    };
    // Without any other members: graphql-ws keeps the message as long as the operation lasts.
    return { message: { id: `${operation.number}:${id}`, type: 'subscribe', payload }, release };
  }

  #complete(id: string): Taken {
    const operation = this.#current.get(id);
    if (operation) this.#leave(operation);
    // 0 is the number of no operation.
    const message = { id: `${operation?.number ?? 0}:${id}`, type: 'complete' };
    return { message, release: () => undefined };
  }

  /** The operation with this numbered id has become a subscription, which ends as soon as the client completes it. */
  started(numberedId: string): void {
    const operation = this.#current.get(clientId(numberedId));
    if (operation && String(operation.number) === numberedId.slice(0, numberedId.indexOf(':')))
      operation.isPending = false;
  }

  /** Whether there are more than a socket may have, those counted that were completed while the server worked on them. */
  get areTooMany(): boolean {
    return this.#unfinished.size > MAX_OPERATIONS;
  }

  #leave(operation: Operation): void {
    if (this.#current.get(operation.id) === operation) this.#current.delete(operation.id);
    if (!operation.isPending) this.#unfinished.delete(operation);
  }
}

/** What a client is told who begins one operation too many. */
export const TOO_MANY_OPERATIONS = `a connection carries ${MAX_OPERATIONS} operations at a time: open another`;

/** The id as the client gave it. */
export function clientId(numberedId: string): string {
  return numberedId.slice(numberedId.indexOf(':') + 1);
}

/** A message of graphql-ws, which puts the id first, with the client's id. */
export function withClientId(text: string): string {
  return text.replace(/^\{"id":"\d+:/, '{"id":"');
}
