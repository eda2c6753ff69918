import type { Span } from './spans.ts';

/** A text without its escapes, and where each of its characters begins in the text that it was made of. */
interface View {
  text: string;
  offsets: Int32Array;
}

type Find = (text: string, found: Span[]) => unknown;

// What is escaped twice (%253D in a URL in a URL) has two layers.
const MAX_LAYERS = 3;
const IS_ESCAPED = /%[0-9A-Fa-f]{2}|\\[u/"\\bfnrt]/;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+|\\(?:u[0-9A-Fa-f]{4}|[/"\\bfnrt])/g;
const CONTROLS = new Map([...'bfnrt'].map((letter, index) => [letter, '\b\f\n\r\t'[index] as string]));

let last: { text: string; views: readonly View[] } = { text: '', views: [] };

/** Adds what is found in a text without percent-encoding and without the escapes of JSON. */
export function findInViews(text: string, find: Find, found: Span[]): void {
  for (const view of viewsOf(text)) {
    const inView: Span[] = [];
    find(view.text, inView);
    for (const { start, end } of inView) {
      found.push({ start: view.offsets[start] as number, end: view.offsets[end] as number });
    }
  }
}

function viewsOf(text: string): readonly View[] {
  if (last.text === text) return last.views;
  const views: View[] = [];
  let layer: View | undefined;
  for (let depth = 0; depth < MAX_LAYERS && IS_ESCAPED.test(layer?.text ?? text); depth += 1) {
    layer = unescaped(layer?.text ?? text, layer?.offsets);
    views.push(layer);
  }
  last = { text, views };
  return views;
}

function unescaped(text: string, before: Int32Array | undefined): View {
  const offsets = new Int32Array(text.length + 1);
  const pieces: string[] = [];
  let length = 0;
  let rest = 0;
  const keep = (piece: string, from: number, step: number) => {
    pieces.push(piece);
    for (let at = 0; at < piece.length; at += 1) offsets[length + at] = from + at * step;
    length += piece.length;
  };
  for (const { 0: escaped, index } of text.matchAll(ESCAPES)) {
    keep(text.slice(rest, index), rest, 1);
    rest = index + escaped.length;
    if (escaped.startsWith('%')) {
      const bytes = Buffer.from(escaped.replaceAll('%', ''), 'hex');
      for (let at = 0; at < bytes.length; ) {
        const size = sizeOf(bytes, at);
        keep(bytes.toString('utf8', at, at + size), index + 3 * at, 0);
        at += size;
      }
    } else if (escaped[1] === 'u') keep(String.fromCharCode(Number.parseInt(escaped.slice(2), 16)), index, 0);
    else keep(CONTROLS.get(escaped[1] as string) ?? (escaped[1] as string), index, 0);
  }
  keep(text.slice(rest), rest, 1);
  offsets[length] = text.length;
  if (before) for (let at = 0; at <= length; at += 1) offsets[at] = before[offsets[at] as number] as number;
  return { text: pieces.join(''), offsets };
}

/** How many bytes the character has that begins here: 1 when they are no UTF-8. */
function sizeOf(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const size = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
  for (let next = at + 1; next < at + size; next += 1) {
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 1;
  }
  return size;
}
