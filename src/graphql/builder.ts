import SchemaBuilder from '@pothos/core';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Scope } from '../access/scopes.ts';
import { hasScope } from '../access/viewer.ts';
import { AuditError } from '../errors.ts';
import type { JsonObject } from '../events/event.ts';
import type { Context } from './context.ts';

/** The schema builder: scalars and scopes; the types are in `types/`. */
export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  AuthScopes: { scope: Scope };
  Scalars: {
    DateTime: { Input: number; Output: number };
    JSONObject: { Input: unknown; Output: JsonObject };
    SafeInt: { Input: number; Output: number };
    ID: { Input: string; Output: string };
  };
}>({
  plugins: [ScopeAuthPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ viewer }) => ({ scope: (scope) => hasScope(viewer, scope) }),
    unauthorizedError: () => new AuditError('FORBIDDEN', 'the API key does not have the scope for this'),
  },
});

builder.queryType({ description: 'Reads of the log.' });
builder.mutationType({ description: 'Writes to the log.' });
builder.subscriptionType({ description: 'The live feed of the log.' });
