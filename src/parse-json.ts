import { randomUUID } from 'node:crypto';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;

/** Where a key stands in the text, with its quotes. */
type Span = readonly [start: number, end: number];

/**
 * `JSON.parse`, but right for keys with escapes: from Node 24 on, a key such as `"\n"` may come out as another one that
 * was parsed before (nodejs/node#63785). Texts without such keys, nearly all, go through `JSON.parse` as they are.
 * Throws a SyntaxError when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const spans = text.includes('\\') ? escapedKeys(text) : [];
  return spans.length === 0 ? JSON.parse(text) : parseAround(text, spans);
}

// One pass: a text that is not JSON must not cost more than one that is.
function escapedKeys(text: string): Span[] {
  const spans: Span[] = [];
  for (let start = text.indexOf('"'); start >= 0; ) {
    let end = start + 1;
    let isEscaped = false;
    for (; end < text.length && text.charCodeAt(end) !== QUOTE; end += 1) {
      if (text.charCodeAt(end) !== BACKSLASH) continue;
      isEscaped = true;
      end += 1;
    }
    if (isEscaped && isBeforeColon(text, end + 1)) spans.push([start, end + 1]);
    start = text.indexOf('"', end + 1);
  }
  return spans;
}

function isBeforeColon(text: string, start: number): boolean {
  let at = start;
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return text.charCodeAt(at) === COLON;
}

// Each key gives way to one without escapes that is nowhere else in the text; strings by themselves are parsed rightly.
function parseAround(text: string, spans: readonly Span[]): unknown {
  const mark = randomUUID();
  const names = new Map<string, string>();
  // The same key has the same placeholder: each other one is another shape of objects to V8.
  const placeholders = new Map<string, string>();
  const parts: string[] = [];
  let from = 0;
  for (const [start, end] of spans) {
    const key = text.slice(start, end);
    let placeholder = placeholders.get(key);
    if (placeholder === undefined) {
      placeholder = `${mark}:${names.size}`;
      names.set(placeholder, JSON.parse(key) as string);
      placeholders.set(key, placeholder);
    }
    parts.push(text.slice(from, start), `"${placeholder}"`);
    from = end;
  }
  return named(JSON.parse(parts.join('') + text.slice(from)), names);
}

function named(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((element) => named(element, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [names.get(key) ?? key, named(member, names)]),
  );
}
