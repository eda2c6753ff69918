import type { JsonObject } from '../events/fields.ts';
import { type AuditOutcome, type MappedRecord, toEventInput } from './event-input.ts';
import { GITHUB_ACTIONS } from './github-actions.ts';
import { firstText, textAt, valueAt } from './json-values.ts';
import { eventKindOf, type MeaningName } from './meanings.ts';

/** `_document_id` of GitHub: 16 random bytes in base64url. */
const DOCUMENT_ID = /^[\w-]{22}(==)?$/;
const TIMES = ['created_at', '@timestamp', 'at_sign_timestamp', 'timestamp', 'p_event_time'];

/**
 * Maps one GitHub audit log record (of an organisation or enterprise; from the API, an export or a stream) to an event.
 * The record needs an `action` in the catalogue, or `operation_type`, which tells a read from a change. Times are
 * milliseconds since 1970 or text.
 */
export function mapGithub(record: JsonObject): MappedRecord {
  const action = textAt(record, 'action');
  if (action === undefined) return { unmapped: 'no action: nothing says what happened' };
  const meaning = meaningOf(action, record);
  if (meaning === undefined) return { unmapped: `no meaning is known for the action ${action.slice(0, 80)}` };
  const userId = firstText(record, ['actor', 'user', 'actor_id']);
  const input = toEventInput({
    ...eventKindOf(meaning, outcomeOf(textAt(record, 'conclusion'))),
    action,
    description: describe(record, action, userId),
    time: TIMES.map((name) => valueAt(record, name)).find((time) => time !== undefined && time !== null),
    address: textAt(record, 'actor_ip'),
    userId,
    customerId: firstText(record, ['org', 'business']),
    sessionId: textAt(record, 'actor_session'),
    userAgent: textAt(record, 'user_agent'),
    requestId: textAt(record, 'request_id'),
    ...resourceOf(record, action),
    details: { format: 'github', meaning, record },
  });
  const documentId = textAt(record, '_document_id');
  return {
    input,
    sourceId: documentId !== undefined && DOCUMENT_ID.test(documentId) ? documentId : undefined,
  };
}

/** The meanings of `operation_type`, for actions that are not in the catalogue. */
const OPERATIONS: Record<string, MeaningName> = {
  access: 'unknown-read',
  create: 'unknown-change',
  modify: 'unknown-change',
  remove: 'unknown-change',
  restore: 'unknown-change',
  transfer: 'unknown-change',
};

function meaningOf(action: string, record: JsonObject): MeaningName | undefined {
  const found = GITHUB_ACTIONS.find(action)?.meaning;
  if (found === 'role-changed' && isDemotion(record)) return 'role-revoked';
  if (action === 'repo.access' && textAt(record, 'visibility') === 'private') return 'access-narrowed';
  return found ?? OPERATIONS[textAt(record, 'operation_type') ?? ''];
}

/** GitHub's roles and permission levels, in rising order of access. */
const LEVELS = ['none', 'read', 'pull', 'triage', 'member', 'write', 'push', 'maintain', 'admin', 'owner'];

/** Whether a change of a role reduces access. */
function isDemotion(record: JsonObject): boolean {
  const before = firstText(record, ['old_permission', 'old_repo_permission', 'old_project_role', 'old_role']);
  const after = firstText(record, ['permission', 'new_repo_permission', 'new_project_role', 'new_role']);
  const [from, to] = [before, after].map((level) => LEVELS.indexOf(level?.toLowerCase() ?? ''));
  return from !== undefined && to !== undefined && to >= 0 && from > to;
}

/** GitHub logs completed actions. Only workflow runs have a result. */
function outcomeOf(conclusion: string | undefined): AuditOutcome {
  return /^(failure|timed_out|startup_failure|cancelled)$/.test(conclusion ?? '') ? 'FAILURE' : 'SUCCESS';
}

/** The resource of each family of actions: its type, and the members that hold its id. */
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
