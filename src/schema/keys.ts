import { type ApiKey, listKeys } from '../auth/api-keys.ts';
import { type CreatedKey, createKey, type KeyStore, revokeKey } from '../auth/manage-keys.ts';
import { callerOf, SCOPES, type Scope } from '../auth/principal-and-scopes.ts';
import { enumName } from '../events/catalog.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';
import { cost, QUERY_COST } from './cost.ts';

const SCOPE_DESCRIPTIONS: Record<Scope, string> = {
  'events:write': 'May record events.',
  'events:read': 'May read, summarise and follow events, and ask for proofs.',
  'events:export': 'May export events.',
  admin: 'May do everything, including keys and purges.',
};

const ApiKeyScopeRef = builder.enumType('ApiKeyScope', {
  description: 'What a key may do.',
  values: Object.fromEntries(
    SCOPES.map((value) => [
      enumName(value.replace(':', '_')),
      { value, description: SCOPE_DESCRIPTIONS[value] },
    ]),
  ),
});

const ApiKeyRef = builder.objectRef<ApiKey>('ApiKey').implement({
  description: 'An API key. Its secret is shown once, by createApiKey.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'The id of the key, in events and for revokeApiKey. Not secret.' }),
    name: t.exposeString('name', { description: 'The purpose of the key.' }),
    scopes: t.field({
      type: [ApiKeyScopeRef],
      description: 'The scopes of the key.',
      resolve: ({ scopes }) => [...scopes],
    }),
    customerId: t.string({
      nullable: true,
      description: 'The customer that the key is bound to: it reads and writes no other events.',
      resolve: ({ customerId }) => customerId,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was created.',
      resolve: ({ createdAt }) => createdAt,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it expires; null: never.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
    revokedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null: it was not.',
      resolve: ({ revokedAt }) => revokedAt,
    }),
    lastUsedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to the minute; null: never.',
      resolve: ({ lastUsedAt }) => lastUsedAt,
    }),
  }),
});

const CreateApiKeyPayloadRef = builder.objectRef<CreatedKey>('CreateApiKeyPayload').implement({
  description: 'A key that was created.',
  fields: (t) => ({
    key: t.field({ type: ApiKeyRef, description: 'The key.', resolve: ({ key }) => key }),
    secret: t.exposeString('secret', {
      description: 'For "Authorization: Bearer SECRET". Shown this once; only a hash of it is kept.',
    }),
  }),
});

const admin = { scope: 'admin' } as const;

builder.queryField('apiKeys', (t) =>
  t.field({
    type: [ApiKeyRef],
    extensions: cost({ own: QUERY_COST, objects: () => 100 }),
    description: 'All keys, newest first, including revoked and expired ones.',
    authScopes: admin,
    resolve: (_, _args, { services }) => listKeys(services.pool),
  }),
);

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreateApiKeyPayloadRef,
    extensions: cost({ own: QUERY_COST }),
    description: 'Creates an API key. Recorded as an event (AUTHZ_PERMISSION_GRANTED).',
    authScopes: admin,
    args: {
      name: t.arg.string({ required: true, description: 'The purpose of the key.' }),
      scopes: t.arg({ type: [ApiKeyScopeRef], required: true, description: 'The scopes of the key.' }),
      customerId: t.arg.string({
        description: 'Binds the key to the events of this customer; not together with ADMIN.',
      }),
      expiresAt: t.arg({ type: 'DateTime', description: 'When it expires; absent: never.' }),
    },
    resolve: (_, input, context) => createKey(keyStore(context), callerOf(context), input),
  }),
  revokeApiKey: t.field({
    type: ApiKeyRef,
    extensions: cost({ own: QUERY_COST }),
    description:
      'Revokes an API key for ever, and ends its subscriptions and downloads. Recorded as an event (AUTHZ_ROLE_REVOKED).',
    authScopes: admin,
    args: { id: t.arg.id({ required: true, description: 'The id of the key.' }) },
    resolve: (_, { id }, context) => revokeKey(keyStore(context), callerOf(context), id),
  }),
}));

// Keys are changed as the owner of the tables: the service's role may only read them.
function keyStore({ services }: Context): KeyStore {
  return { ...services, pool: services.owner };
}
