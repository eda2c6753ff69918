import { AuditError } from '../errors.ts';
import type { EventDraft } from '../events/event.ts';
import type { EventFilterFunction } from './extensions.ts';

/**
 * Says of each draft of a mutation whether it is wanted. Throws what a filter throws, and TIMEOUT when the filters take
 * too long over it.
 */
export type Filters = (drafts: readonly EventDraft[]) => Promise<boolean[]>;

/** Wants everything. */
export const wantAll: Filters = async (drafts) => drafts.map(() => true);

/**
 * Puts the filters together: what one declines, those behind it do not see. `timeoutMs` is for all of a mutation, for
 * which those count that are in the set when it begins.
 */
export function createFilters(set: ReadonlySet<EventFilterFunction>, timeoutMs: number): Filters {
  return async (drafts) => {
    if (set.size === 0) return wantAll(drafts);
    const filters = [...set];
    const asked = Promise.all(drafts.map((draft) => passes(filters, draft)));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate()), timeoutMs);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

async function passes(filters: readonly EventFilterFunction[], draft: EventDraft): Promise<boolean> {
  for (const filter of filters) if (!(await filter(draft))) return false;
  return true;
}

function tooLate(): AuditError {
  return new AuditError('TIMEOUT', 'a filter of this deployment took too long: nothing was recorded');
}
