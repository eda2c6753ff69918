export { type Config, readConfig } from './config.ts';
export type { AuditEvent, EventDraft } from './events/event.ts';
export type { EventFilterFunction, Extensions } from './pipeline/extensions.ts';
export type { EventHandler } from './pipeline/handlers.ts';
export { type AuditService, type AuditServiceOptions, createAuditService } from './service.ts';
