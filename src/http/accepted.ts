/** A form in which an answer is sent. */
export type MediaType = 'application/json' | 'application/graphql-response+json' | 'text/event-stream';

/** The forms in which a client takes answers. */
export interface Accepted {
  /** For one result; undefined: there is none that can be sent, neither for one nor for a subscription's. */
  one: MediaType | undefined;
  /** Whether it takes an event stream. */
  isStream: boolean;
}

// The first is what a client gets that takes any.
const OF_ONE: readonly MediaType[] = ['application/json', 'application/graphql-response+json'];
const STREAM: MediaType = 'text/event-stream';
const ANY: Accepted = { one: 'application/json', isStream: true };
const JSON_ALONE: Accepted = { one: 'application/json', isStream: false };

/** Reads an `Accept` header; absent: everything. What is named first goes first; qualities are not looked at. */
export function acceptedBy(accept: string | undefined): Accepted {
  if (!accept || accept === '*/*') return ANY;
  // What most programs send.
  if (accept === JSON_ALONE.one) return JSON_ALONE;
  const ranges = rangesOf(accept);
  const isStream = ranges.some((range) => covers(range, STREAM));
  for (const range of ranges) {
    const type = OF_ONE.find((one) => covers(range, one));
    if (type) return { one: type, isStream };
  }
  return { one: isStream ? STREAM : undefined, isStream };
}

function rangesOf(accept: string): string[] {
  return accept
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';'))
    .filter(([, ...parameters]) => isUtf8(parameters))
    .map(([range = '']) => range);
}

// UTF-8 is meant where nothing is said.
function isUtf8(parameters: readonly string[]): boolean {
  const charset = parameters.find((parameter) => parameter.includes('charset='));
  return charset === undefined || charset === 'charset=utf-8';
}

function covers(range: string, type: MediaType): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}
