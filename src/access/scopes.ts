/** What a key may do. `admin` may do everything. */
export const SCOPES = ['events:write', 'events:read', 'events:export', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];
