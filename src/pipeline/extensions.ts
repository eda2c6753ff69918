import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EventDraft } from '../events/event.ts';
import type { EventHandler } from './handlers.ts';

/** Decides whether an event is recorded; false declines it (status FILTERED). What it throws fails the mutation. */
export type EventFilterFunction = (event: Readonly<EventDraft>) => boolean | Promise<boolean>;

/** What a deployment adds to the pipeline. */
export interface Extensions {
  filters?: readonly EventFilterFunction[];
  handlers?: readonly EventHandler[];
  /** Further names whose values are redacted. */
  redact?: readonly string[];
}

/** Loads the module named in the configuration. Throws an error that says what it must export. */
export async function loadExtensions(path: string | undefined): Promise<Extensions> {
  if (path === undefined) return {};
  const module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  const { filters = [], handlers = [], redact = [] } = module;
  if (!isListOf(filters, 'function')) throw new Error(`${path}: "filters" must be an array of functions`);
  if (!isListOf(handlers, 'object'))
    throw new Error(`${path}: "handlers" must be an array of { name, handle }`);
  if (!isListOf(redact, 'string')) throw new Error(`${path}: "redact" must be an array of names`);
  return { filters, handlers, redact } as Extensions;
}

function isListOf(value: unknown, type: string): boolean {
  return Array.isArray(value) && value.every((element) => typeof element === type);
}
