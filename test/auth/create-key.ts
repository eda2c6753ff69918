import { CREATE_KEY } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import type { ApiKeyScope } from '../support/operations/generated/graphql.ts';
import type { ResultOf, VariablesOf } from '../support/operations/types.ts';
import { dataOf, type TestService } from '../support/service.ts';

export type Key = ResultOf<typeof CREATE_KEY>['createApiKey']['key'];

/** The events about a key, oldest first. */
export const EVENTS_ABOUT = graphql(`
  query EventsAboutKey($id: String!) {
    auditEvents(filter: { resourceType: "audit_log.api_key", resourceId: $id }, orderBy: POSITION_ASC) {
      edges { node { eventType severity action description userId ipAddress customerId details } }
    }
  }
`);

/** Creates a key over the API; rejects with the errors of the answer. */
export async function createKey(
  service: TestService,
  { scopes, ...input }: Omit<VariablesOf<typeof CREATE_KEY>, 'scopes'> & { scopes: readonly ApiKeyScope[] },
  as?: string,
): Promise<{ key: Key; secret: string }> {
  const { data, errors } = await service.ask(CREATE_KEY, { ...input, scopes: [...scopes] }, as);
  if (errors) throw errors;
  return dataOf({ data }).createApiKey;
}
