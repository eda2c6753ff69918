import { callerOf } from '../../access/asker.ts';
import type { ApiKey } from '../../access/keys.ts';
import { listKeys } from '../../access/keys.ts';
import { type CreatedKey, createKey, type KeyStore, revokeKey } from '../../access/manage.ts';
import { SCOPES } from '../../access/scopes.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';

const ApiKeyScopeRef = builder.enumType('ApiKeyScope', {
  description: 'What a key may do. ADMIN may do everything.',
  values: Object.fromEntries(
    SCOPES.map((scope) => [scope.replace(':', '_').toUpperCase(), { value: scope }] as const),
  ),
});

const ApiKeyRef = builder.objectRef<ApiKey>('ApiKey').implement({
  description: 'An API key. Its secret is shown once, by createApiKey.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    scopes: t.field({ type: [ApiKeyScopeRef], resolve: ({ scopes }) => [...scopes] }),
    customerId: t.string({
      nullable: true,
      description: 'Bound to the events of this customer: reads and writes no others.',
      resolve: ({ customerId }) => customerId,
    }),
    createdAt: t.field({ type: 'DateTime', resolve: ({ createdAt }) => createdAt }),
    expiresAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ expiresAt }) => expiresAt }),
    revokedAt: t.field({ type: 'DateTime', nullable: true, resolve: ({ revokedAt }) => revokedAt }),
    lastUsedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'To the minute.',
      resolve: ({ lastUsedAt }) => lastUsedAt,
    }),
  }),
});

const CreateApiKeyPayloadRef = builder.objectRef<CreatedKey>('CreateApiKeyPayload').implement({
  fields: (t) => ({
    key: t.field({ type: ApiKeyRef, resolve: ({ key }) => key }),
    secret: t.exposeString('secret', {
      description: 'For "Authorization: Bearer SECRET". Shown this once; only a hash of it is kept.',
    }),
  }),
});

const admin = { scope: 'admin' } as const;

builder.queryField('apiKeys', (t) =>
  t.field({
    type: [ApiKeyRef],
    description: 'All keys, newest first, revoked and expired ones too.',
    authScopes: admin,
    resolve: (_, _args, { services }) => listKeys(services.pool),
  }),
);

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreateApiKeyPayloadRef,
    description: 'Creates an API key. Itself an event in the log (AUTHZ_PERMISSION_GRANTED).',
    authScopes: admin,
    args: {
      name: t.arg.string({ required: true }),
      scopes: t.arg({ type: [ApiKeyScopeRef], required: true }),
      customerId: t.arg.string({
        description: 'Binds the key to the events of this customer; not together with ADMIN.',
      }),
      expiresAt: t.arg({ type: 'DateTime', description: 'Absent: never.' }),
    },
    resolve: (_, input, context) => createKey(keyStore(context), callerOf(context), input),
  }),
  revokeApiKey: t.field({
    type: ApiKeyRef,
    description:
      'Revokes an API key for ever and ends what is open on it. Itself an event in the log (AUTHZ_ROLE_REVOKED).',
    authScopes: admin,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_, { id }, context) => revokeKey(keyStore(context), callerOf(context), id),
  }),
}));

// Keys are the owner's to change: the service's own role may only read them.
function keyStore({ services }: Context): KeyStore {
  return { ...services, pool: services.owner };
}
