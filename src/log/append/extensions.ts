import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withDeadline } from '../../deadline.ts';
import { AuditError } from '../../errors.ts';
import type { EventDraft } from '../../events/fields.ts';
import type { EventHandler } from './handlers.ts';

/** Decides whether an event is recorded. False declines it (status FILTERED). When it throws, the mutation fails. */
export type EventFilterFunction = (event: Readonly<EventDraft>) => boolean | Promise<boolean>;

/** The extensions of the pipeline by a deployment. */
export interface Extensions {
  filters?: readonly EventFilterFunction[];
  handlers?: readonly EventHandler[];
  /** Additional names whose values are redacted. */
  redact?: readonly string[];
}

/** Loads the extensions of the module at `path`, and appends `more`. The error for an invalid module says what to export. */
export async function loadExtensions(
  path: string | undefined,
  more: Extensions = {},
): Promise<Required<Extensions>> {
  const module = await importExtensions(path);
  return {
    filters: [...(module.filters ?? []), ...(more.filters ?? [])],
    handlers: [...(module.handlers ?? []), ...(more.handlers ?? [])],
    redact: [...(module.redact ?? []), ...(more.redact ?? [])],
  };
}

async function importExtensions(path: string | undefined): Promise<Extensions> {
  if (path === undefined) return {};
  const module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  const { filters = [], handlers = [], redact = [] } = module;
  if (!isListOf(filters, isFilter)) throw new Error(`${path}: "filters" must be an array of functions`);
  if (!isListOf(handlers, isHandler))
    throw new Error(`${path}: "handlers" must be an array of { name, handle }`);
  if (!isListOf(redact, isName)) throw new Error(`${path}: "redact" must be an array of names`);
  return { filters, handlers, redact };
}

function isListOf<T>(value: unknown, isOne: (element: unknown) => element is T): value is T[] {
  return Array.isArray(value) && value.every(isOne);
}

function isFilter(value: unknown): value is EventFilterFunction {
  return typeof value === 'function';
}

function isHandler(value: unknown): value is EventHandler {
  const { name, handle } = (value ?? {}) as Partial<EventHandler>;
  return typeof name === 'string' && typeof handle === 'function';
}

function isName(value: unknown): value is string {
  return typeof value === 'string';
}

/**
 * Runs the filters on the drafts of a mutation. The result tells for each whether it is accepted. Throws the error of a
 * filter, and TIMEOUT when the filters take too long.
 */
export type RunFilters = (drafts: readonly EventDraft[]) => Promise<boolean[]>;

/** Accepts every event. */
export const wantAll: RunFilters = async (drafts) => drafts.map(() => true);

/**
 * Combines the filters: an event that one declines is not passed to the next. `timeoutMs` bounds the filters of a whole
 * mutation. The filters that are in the set at its start apply.
 */
export function createFilters(set: ReadonlySet<EventFilterFunction>, timeoutMs: number): RunFilters {
  return async (drafts) => {
    if (set.size === 0) return wantAll(drafts);
    const filters = [...set];
    const asked = Promise.all(drafts.map((draft) => passes(filters, draft)));
    return withDeadline(asked, timeoutMs, () => {
      throw new AuditError('TIMEOUT', 'a filter of this deployment took too long: nothing was recorded');
    });
  };
}

async function passes(filters: readonly EventFilterFunction[], draft: EventDraft): Promise<boolean> {
  for (const filter of filters) if (!(await filter(draft))) return false;
  return true;
}
