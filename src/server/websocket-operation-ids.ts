import { CloseCode } from 'graphql-ws';

/** Most operations of a socket at a time. */
const MAX_OPERATIONS = 100;
/** Longest id of an operation, in UTF-16 code units. A UUID has 36. */
const MAX_ID_LENGTH = 128;

interface CurrentOperation {
  id: string;
  number: number;
  /** Whether the server still works on it. It cannot be stopped before it has a result. */
  isPending: boolean;
}

/** A message for graphql-ws and the function to call when it was handled; or why it is refused, as a close. */
type Taken = { message: unknown; release: () => void } | { code: CloseCode; refusal: string };

/**
 * The operations of a socket. A client may use an id again as soon as it has sent `complete`, also while the server works on
 * the first operation. graphql-ws keeps operations by their id and confuses the two. So graphql-ws gets unique ids: a number
 * before the client's id. The number is removed from the messages to the client.
 */
export class OperationIds {
  readonly #current = new Map<string, CurrentOperation>();
  readonly #unfinished = new Set<CurrentOperation>();
  #last = 0;

  /** Takes a parsed message, or its text. No member of it was checked. */
  take(message: unknown): Taken {
    const { type, id, payload } = Object(message) as Record<string, unknown>;
    // graphql-ws refuses a missing or invalid id.
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
    const operation: CurrentOperation = { id, number: this.#last, isPending: true };
    this.#current.set(id, operation);
    this.#unfinished.add(operation);
    const release = () => {
      operation.isPending = false;
      this.#leave(operation);
    };
    // Without other members: graphql-ws keeps the message as long as the operation lasts.
    return { message: { id: `${operation.number}:${id}`, type: 'subscribe', payload }, release };
  }

  #complete(id: string): Taken {
    const operation = this.#current.get(id);
    if (operation) this.#leave(operation);
    // No operation has the number 0.
    const message = { id: `${operation?.number ?? 0}:${id}`, type: 'complete' };
    return { message, release: () => undefined };
  }

  /** Marks the operation as a subscription that has started, which ends as soon as the client completes it. */
  started(numberedId: string): void {
    const operation = this.#current.get(clientId(numberedId));
    if (operation && String(operation.number) === numberedId.slice(0, numberedId.indexOf(':')))
      operation.isPending = false;
  }

  /** Whether the socket has too many operations, with those that the client completed while the server works on them. */
  get areTooMany(): boolean {
    return this.#unfinished.size > MAX_OPERATIONS;
  }

  #leave(operation: CurrentOperation): void {
    if (this.#current.get(operation.id) === operation) this.#current.delete(operation.id);
    if (!operation.isPending) this.#unfinished.delete(operation);
  }
}

/** The message to a client with too many operations. */
export const TOO_MANY_OPERATIONS = `a connection carries ${MAX_OPERATIONS} operations at a time: open another`;

/** The client's id. */
export function clientId(numberedId: string): string {
  return numberedId.slice(numberedId.indexOf(':') + 1);
}

/** Puts the client's id into a message of graphql-ws, which writes the id first. */
export function withClientId(text: string): string {
  return text.replace(/^\{"id":"\d+:/, '{"id":"');
}
