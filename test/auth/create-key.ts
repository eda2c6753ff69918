import type { TestService } from '../support/service.ts';

export interface Key {
  id: string;
  name: string;
  scopes: string[];
}

const CREATE = `mutation ($name: String!, $scopes: [ApiKeyScope!]!, $customerId: String, $expiresAt: DateTime) {
  createApiKey(name: $name, scopes: $scopes, customerId: $customerId, expiresAt: $expiresAt) {
    key { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt } secret
  }
}`;

/** The events about a key, oldest first. */
export const EVENTS_ABOUT = `query ($id: String!) {
  auditEvents(filter: { resourceType: "audit_log.api_key", resourceId: $id }, orderBy: POSITION_ASC) {
    edges { node { eventType severity action description userId ipAddress customerId details } }
  }
}`;

/** Creates a key over the API; rejects with the errors of the answer. */
export async function createKey(
  service: TestService,
  input: { name: string; scopes: string[]; customerId?: string; expiresAt?: string },
  as?: string,
): Promise<{ key: Key; secret: string }> {
  const { data, errors } = await service.ask(CREATE, input, as);
  if (errors) throw errors;
  return (data as unknown as { createApiKey: { key: Key; secret: string } }).createApiKey;
}
