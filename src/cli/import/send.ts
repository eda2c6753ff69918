import { type Client, ClientError } from '../client.ts';

/** An event on its way: its JSON text, and where it came from. */
export interface Pending {
  json: string;
  file: string;
  line: number;
}

/** What became of an event. */
export type Fate = 'RECORDED' | 'DUPLICATE' | 'FILTERED' | { rejected: string };

export const LOG_EVENTS =
  'mutation Import($input: [LogEventInput!]!) { logEvents(input: $input) { results { status } } }';

/** What is wrong with single events, so that the others of their batch can be sent without them. */
const FAULTS_OF_EVENTS = new Set([
  'BAD_USER_INPUT',
  'CONFLICT',
  'PAYLOAD_TOO_LARGE',
  'GRAPHQL_VALIDATION_FAILED',
]);
const PATH = /^(?:variables\.)?\$?input\[(\d+)\]\.?(.*)$/s;
const PATH_IN_MESSAGE = /\binput(?:\[(\d+)\]|\.(\d+))(?:\.([\w.[\]]+))?/;

/**
 * Sends a batch in its order and says what became of each event. `logEvents` records all or nothing, so an event
 * that the log refuses is taken out and the rest is sent again; when the refusal does not say which event it means,
 * the batch is halved until it does. Throws a ClientError when the fault is not in the events (nothing answers, the
 * key is refused): what was sent before is recorded, and sending it again records nothing twice.
 */
export async function sendBatch(client: Client, batch: readonly Pending[]): Promise<Fate[]> {
  const fates = new Array<Fate>(batch.length);
  let left = batch.map((_, index) => index);
  while (left.length > 0) {
    const sent = left;
    const answer = await attempt(
      client,
      sent.map((index) => batch[index] as Pending),
    );
    if ('statuses' in answer) {
      for (const [place, index] of sent.entries()) fates[index] = answer.statuses[place] as Fate;
      return fates;
    }
    const refused = refusedEvents(answer.error, sent.length);
    if (refused.size === 0) return halved(client, { batch, fates, left: sent, error: answer.error });
    for (const [place, reason] of refused) fates[sent[place] as number] = { rejected: reason };
    left = sent.filter((_, place) => !refused.has(place));
  }
  return fates;
}

async function attempt(
  client: Client,
  events: readonly Pending[],
): Promise<{ statuses: Fate[] } | { error: ClientError }> {
  try {
    const data = await client.request(LOG_EVENTS, `{"input":[${events.map(({ json }) => json).join(',')}]}`);
    const { results } = data.logEvents as { results: { status: 'RECORDED' | 'DUPLICATE' | 'FILTERED' }[] };
    return { statuses: results.map(({ status }) => status) };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { error };
  }
}

/** The places in the batch that an error names, with its reason for each. */
function refusedEvents(error: ClientError, count: number): Map<number, string> {
  const refused = new Map<number, string>();
  for (const { message, code, path } of error.errors) {
    const named =
      PATH.exec(path ?? '') ?? (FAULTS_OF_EVENTS.has(code) ? PATH_IN_MESSAGE.exec(message) : null);
    const place = Number(named?.[1] ?? named?.[2] ?? Number.NaN);
    if (place < count) refused.set(place, reasonOf(message, code));
  }
  return refused;
}

function reasonOf(message: string, code: string): string {
  if (code === 'CONFLICT') {
    return 'already recorded with other content (an import with another year, time zone or version of this program?)';
  }
  // The place in the batch means nothing to the reader, who gets file and line.
  return `${message.replace(/(?:variables\.)?\$?"?input\[\d+\]\.?/g, '').slice(0, 300)} (${code})`;
}

async function halved(
  client: Client,
  what: { batch: readonly Pending[]; fates: Fate[]; left: readonly number[]; error: ClientError },
): Promise<Fate[]> {
  const { batch, fates, left, error } = what;
  const fault = error.errors.find(({ code }) => FAULTS_OF_EVENTS.has(code));
  if (fault === undefined) throw error;
  if (left.length === 1) {
    fates[left[0] as number] = { rejected: reasonOf(fault.message, fault.code) };
    return fates;
  }
  const middle = Math.ceil(left.length / 2);
  for (const half of [left.slice(0, middle), left.slice(middle)]) {
    const found = await sendBatch(
      client,
      half.map((index) => batch[index] as Pending),
    );
    for (const [place, index] of half.entries()) fates[index] = found[place] as Fate;
  }
  return fates;
}
