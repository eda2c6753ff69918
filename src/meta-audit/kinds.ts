/**
 * What of the use of the log becomes events in it, as far as the deployment decides: plain reads, subscriptions that are
 * opened, exports and their downloads, failed authentication and what keys were not allowed to do, and starts, stops and
 * changed settings. Changes of keys, purges and alarms always do.
 */
export const META_KINDS = ['reads', 'subscriptions', 'exports', 'failures', 'lifecycle'] as const;
export type MetaKind = (typeof META_KINDS)[number];
