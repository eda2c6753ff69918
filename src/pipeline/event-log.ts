import type { Logger } from 'pino';
import { type Severity, severitiesFrom } from '../events/catalog.ts';
import type { EventHandler } from './handlers.ts';

const LEVELS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'fatal' } as const;

/** The handler that writes events of at least `threshold` to the structured log, at the level of their severity. */
export function eventLogger(log: Logger, threshold: Severity | 'off'): EventHandler[] {
  if (threshold === 'off') return [];
  const logged = new Set(severitiesFrom(threshold));
  const handle: EventHandler['handle'] = (event) => {
    if (!logged.has(event.severity)) return;
    const { leafHash: _, ...auditEvent } = event;
    log[LEVELS[event.severity]]({ auditEvent }, event.eventType);
  };
  return [{ name: 'structured log', handle }];
}
