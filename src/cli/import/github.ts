import { eventOf } from './draft.ts';
import { kindOfGithub, outcomeOfGithub, severityOfGithub } from './github-kinds.ts';
import type { JsonObject, Mapped } from './input.ts';
import { at, firstText, textAt } from './record.ts';

/** GitHub's `_document_id` is 16 random bytes in base64url. */
const DOCUMENT_ID = /^[\w-]{22}(==)?$/;
const TIMES = ['created_at', '@timestamp', 'at_sign_timestamp', 'timestamp', 'p_event_time'];

/**
 * The event of one GitHub audit log record (organisation or enterprise; from the API, an export, or a stream). The
 * least that it needs is an `action`. Dates are epoch milliseconds or text.
 */
export function mapGithub(record: JsonObject): Mapped {
  const action = textAt(record, 'action');
  if (action === undefined) return { unmapped: 'no action: nothing says what happened' };
  const outcome = outcomeOfGithub(action, textAt(record, 'conclusion'));
  const eventType = kindOfGithub(action, textAt(record, 'operation_type'));
  const userId = firstText(record, ['actor', 'user', 'actor_id']);
  const input = eventOf({
    eventType,
    outcome,
    severity: severityOfGithub(action, eventType, outcome),
    action,
    description: describe(record, action, userId),
    time: TIMES.map((name) => at(record, name)).find((time) => time !== undefined && time !== null),
    address: textAt(record, 'actor_ip'),
    userId,
    customerId: firstText(record, ['org', 'business']),
    sessionId: textAt(record, 'actor_session'),
    userAgent: textAt(record, 'user_agent'),
    requestId: textAt(record, 'request_id'),
    ...resourceOf(record, action),
    details: { format: 'github', record },
  });
  const documentId = textAt(record, '_document_id');
  return {
    input,
    sourceId: documentId !== undefined && DOCUMENT_ID.test(documentId) ? documentId : undefined,
  };
}

/** What each family of actions is done to: a name for it and where the record holds its id. */
const RESOURCES: readonly (readonly [family: RegExp, resourceType: string, paths: readonly string[]])[] = [
  [/^hook\./, 'hook', ['hook_id', 'data.hook_id', 'config.url']],
  [/^team\./, 'team', ['team', 'data.team']],
  [/^workflows\./, 'workflow_run', ['workflow_run_id', 'workflow_id']],
  [/^repository_ruleset\./, 'ruleset', ['ruleset_id', 'ruleset_name']],
  [/^(org|organization_moderators)\..*(member|user)/, 'user', ['user', 'data.user', 'invitee', 'email']],
  [/^integration_installation/, 'integration', ['integration', 'name']],
  [/./, 'repository', ['repo', 'repository', 'data.repo']],
  [/./, 'organization', ['org']],
  [/./, 'enterprise', ['business']],
];

function resourceOf(record: JsonObject, action: string): { resourceType?: string; resourceId?: string } {
  for (const [family, resourceType, paths] of RESOURCES) {
    const resourceId = family.test(action) ? firstText(record, paths) : undefined;
    if (resourceId !== undefined) return { resourceType, resourceId };
  }
  return {};
}

function describe(record: JsonObject, action: string, userId: string | undefined): string {
  const subject = textAt(record, 'user');
  const place = firstText(record, ['repo', 'org', 'business']);
  const conclusion = textAt(record, 'conclusion');
  return [
    `${userId ?? 'Someone'} did ${action}`,
    subject === undefined || subject === userId ? '' : ` for ${subject}`,
    place === undefined ? '' : ` in ${place}`,
    conclusion === undefined ? '' : `: ${conclusion}`,
  ].join('');
}
