import { type AnswerError, type Client, ClientError } from '../client/graphql-client.ts';

/** An event to send: its JSON text and its source line. */
export interface PendingEvent {
  json: string;
  file: string;
  line: number;
  /** Whether its key is the id of the source record. A CONFLICT then means that the event is already in the log. */
  ownId?: boolean;
}

/** The result of sending an event. `differs`: a duplicate whose content differs from the recorded event, and why. */
export type EventResult = 'RECORDED' | 'DUPLICATE' | 'FILTERED' | { rejected: string } | { differs: string };

export const LOG_EVENTS =
  'mutation Import($input: [LogEventInput!]!) { logEvents(input: $input) { results { status } } }';

/** Codes of errors that concern single events: the other events of their batch can be sent without them. */
const CODES_OF_SINGLE_EVENTS = new Set([
  'BAD_USER_INPUT',
  'CONFLICT',
  'PAYLOAD_TOO_LARGE',
  'GRAPHQL_VALIDATION_FAILED',
]);
const PATH = /^(?:variables\.)?\$?input\[(\d+)\]\.?(.*)$/s;
const PATH_IN_MESSAGE = /\binput(?:\[(\d+)\]|\.(\d+))(?:\.([\w.[\]]+))?/;

/**
 * Sends a batch in its order and returns the result of each event. `logEvents` records all events or none, so refused
 * events are removed and the rest is sent again; when an error does not name the refused events, the batch is halved
 * until it does. Throws a ClientError when the cause is not in the events (no connection, a refused key). Earlier batches
 * are recorded then, and sending them again records nothing twice.
 */
export async function sendBatch(client: Client, batch: readonly PendingEvent[]): Promise<EventResult[]> {
  const fates = new Array<EventResult>(batch.length);
  let left = batch.map((_, index) => index);
  while (left.length > 0) {
    const sent = left;
    const answer = await attempt(
      client,
      sent.map((index) => batch[index] as PendingEvent),
    );
    if ('statuses' in answer) {
      for (const [place, index] of sent.entries()) fates[index] = answer.statuses[place] as EventResult;
      return fates;
    }
    const refused = refusedEvents(answer.error, sent.length);
    if (refused.size === 0) return halved(client, { batch, fates, left: sent, error: answer.error });
    for (const [place, fault] of refused) {
      const index = sent[place] as number;
      fates[index] = refusedResult(batch[index] as PendingEvent, fault);
    }
    left = sent.filter((_, place) => !refused.has(place));
  }
  return fates;
}

async function attempt(
  client: Client,
  events: readonly PendingEvent[],
): Promise<{ statuses: EventResult[] } | { error: ClientError }> {
  try {
    const data = await client.request(LOG_EVENTS, `{"input":[${events.map(({ json }) => json).join(',')}]}`);
    const { results } = data.logEvents as { results: { status: 'RECORDED' | 'DUPLICATE' | 'FILTERED' }[] };
    return { statuses: results.map(({ status }) => status) };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { error };
  }
}

type Fault = Pick<AnswerError, 'message' | 'code'>;

/** The indexes in the batch that an error names, with the problem of each. */
function refusedEvents(error: ClientError, count: number): Map<number, Fault> {
  const refused = new Map<number, Fault>();
  for (const { message, code, path } of error.errors) {
    const named =
      PATH.exec(path ?? '') ?? (CODES_OF_SINGLE_EVENTS.has(code) ? PATH_IN_MESSAGE.exec(message) : null);
    const place = Number(named?.[1] ?? named?.[2] ?? Number.NaN);
    // Only the first problem of each event is reported.
    if (place < count && !refused.has(place)) refused.set(place, { message, code });
  }
  return refused;
}

function refusedResult(event: PendingEvent, { message, code }: Fault): EventResult {
  if (code === 'CONFLICT' && event.ownId === true) {
    return { differs: 'the source delivered the same id before with other content' };
  }
  return { rejected: reasonOf(message, code) };
}

function reasonOf(message: string, code: string): string {
  if (code === 'CONFLICT') {
    return 'already recorded with other content (an import with another year, time zone or version of this program?)';
  }
  // The index in the batch is removed: the summary names file and line instead.
  return `${message.replace(/(?:variables\.)?\$?"?input\[\d+\]\.?/g, '').slice(0, 300)} (${code})`;
}

async function halved(
  client: Client,
  what: { batch: readonly PendingEvent[]; fates: EventResult[]; left: readonly number[]; error: ClientError },
): Promise<EventResult[]> {
  const { batch, fates, left, error } = what;
  const fault = error.errors.find(({ code }) => CODES_OF_SINGLE_EVENTS.has(code));
  if (fault === undefined) throw error;
  if (left.length === 1) {
    fates[left[0] as number] = refusedResult(batch[left[0] as number] as PendingEvent, fault);
    return fates;
  }
  const size = Math.ceil(left.length / 2);
  for (let start = 0; start < left.length; start += size) {
    const piece = left.slice(start, start + size);
    const found = await sendBatch(
      client,
      piece.map((index) => batch[index] as PendingEvent),
    );
    for (const [place, index] of piece.entries()) fates[index] = found[place] as EventResult;
  }
  return fates;
}
