import { type GraphQLObjectType, isInputObjectType, isObjectType } from 'graphql';
import { afterAll, describe, expect } from 'vitest';
import type { Scope } from '../../../src/auth/principal-and-scopes.ts';
import { createCatalog } from '../../../src/events/catalog.ts';
import { createSchema } from '../../../src/schema/schema.ts';
import type { TestDatabase } from '../../support/database.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../../support/issuer.ts';
import type { Answer, TestService } from '../../support/service.ts';
import { openSocket } from '../../support/socket.ts';
import { openStream, resultsOf } from '../../support/sse.ts';
import { test } from '../../support/test.ts';
import { ARGUMENTS, FILTERS } from './arguments.ts';
import { CALLERS, type Caller } from './callers.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { createWorld, type World } from './world.ts';

let database: TestDatabase;
let issuer: TestIssuer;
let service: TestService;
let world: World;

test.beforeAll(async ({ createDatabase, startService }) => {
  [database, issuer] = await Promise.all([createDatabase(), startIssuer()]);
  service = await startService(database.url, {
    JWT_ISSUERS: issuer.setting,
    JWT_AUDIENCE: AUDIENCE,
    JWT_CUSTOMER_CLAIM: 'org',
    JWT_CLOCK_TOLERANCE_MS: '0',
    AUTH_FAILURES: '0',
  });
  world = await createWorld(service);
});
afterAll(async () => {
  await issuer.close();
});

describe('the tables of the matrix hold', () => {
  const schema = createSchema(createCatalog([]));
  const roots = [
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ] as GraphQLObjectType[];

  test('every operation of the schema', () => {
    const names = roots.flatMap((type) =>
      Object.keys(type.getFields()).map((field) => `${type.name}.${field}`),
    );
    expect(Object.keys(OPERATIONS).toSorted()).toEqual(names.toSorted());
  });

  test('every argument of every field of the schema', () => {
    const types = Object.values(schema.getTypeMap()).filter(
      (type) => isObjectType(type) && !type.name.startsWith('__'),
    ) as GraphQLObjectType[];
    const names = types.flatMap((type) =>
      Object.values(type.getFields()).flatMap(({ name, args }) =>
        args.map((argument) => `${type.name}.${name}.${argument.name}`),
      ),
    );
    const inputs = Object.values(schema.getTypeMap()).filter(isInputObjectType);
    const members = inputs
      .filter(({ name }) => name !== 'AuditEventFilter')
      .flatMap((type) => ['idempotencyKey', 'customerId'].map((name) => [type, name] as const))
      .filter(([type, name]) => name in type.getFields())
      .map(([type, name]) => `${type.name}.${name}`);
    expect(Object.keys(ARGUMENTS).toSorted()).toEqual([...names, ...members].toSorted());
  });

  test('every field of a filter', () => {
    const type = schema.getType('AuditEventFilter');
    const names = isInputObjectType(type) ? Object.keys(type.getFields()) : [];
    expect(Object.keys(FILTERS).toSorted()).toEqual(names.toSorted());
  });
});

function outcomeFor({ scope, foreign }: Operation, { is }: Caller): string {
  if (is === 'stranger') return 'UNAUTHENTICATED';
  if (is === 'unfit' || (scope === 'admin' && is !== 'of all')) return 'FORBIDDEN';
  return (is === 'of globex' ? foreign : undefined) ?? 'fine';
}

type Ask = (secret: string, query: string, variables: object) => Promise<Answer>;

const overHttp: Ask = async (secret, query, variables) => {
  if (!query.startsWith('subscription')) return service.ask(query, variables, secret);
  const stream = await openStream(service.url, query, variables, secret);
  const { value } = await resultsOf<Answer>(stream).next();
  stream.disconnect();
  return value as Answer;
};

const overWebSocket: Ask = async (secret, query, variables) => {
  const { socket, send, next, closed } = await openSocket(service.url);
  send({ type: 'connection_init', payload: { Authorization: `Bearer ${secret}` } });
  const acknowledged = await Promise.race([next(), closed]);
  if (acknowledged === 4403) return { errors: [{ message: '', extensions: { code: 'UNAUTHENTICATED' } }] };
  send({ type: 'subscribe', id: '1', payload: { query, variables } });
  const { type, payload } = await next();
  socket.terminate();
  return type === 'error' ? { errors: payload as NonNullable<Answer['errors']> } : (payload as Answer);
};

function outcomeOf({ errors }: Answer): unknown {
  return errors ? errors[0]?.extensions.code : 'fine';
}

/** Whether there is anything of acme's in an answer. */
function isAboutAcme({ data }: Answer): boolean {
  const text = JSON.stringify(data ?? null);
  return (
    text.includes('acme') || world.acme.some(({ id, cursor }) => text.includes(id) || text.includes(cursor))
  );
}

const keys = new Map<string, Promise<string>>();

/** The key of a caller, which all operations that need the scope are asked for with. */
function keyOf(name: string, caller: Caller, scope: Scope): Promise<string> {
  const known = keys.get(`${name} ${scope}`);
  if (known) return known;
  const made = Promise.resolve(caller.keyFor({ service, issuer, databaseUrl: database.url }, scope));
  keys.set(`${name} ${scope}`, made);
  return made;
}

describe.each([
  ['HTTP', overHttp],
  ['WebSocket', overWebSocket],
])('over %s', (_transport, ask) => {
  describe.each(Object.entries(OPERATIONS))('%s', (_name, operation) => {
    test.each(Object.entries(CALLERS))('with %s', async (name, caller) => {
      const variables = (await operation.variables?.({ world, service })) ?? {};
      const key = await keyOf(name, caller, operation.scope);
      const answer = await ask(key, operation.query, variables);
      expect(outcomeOf(answer), JSON.stringify(answer)).toBe(outcomeFor(operation, caller));
      if (caller.is === 'of globex' || outcomeOf(answer) !== 'fine') expect(isAboutAcme(answer)).toBe(false);
      if (caller.is === 'of acme' && operation.shows) expect(isAboutAcme(answer)).toBe(true);
    });
  });
});
