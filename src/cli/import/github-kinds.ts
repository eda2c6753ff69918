import { type AuditOutcome, type AuditSeverity, atLeast, type BuiltInEventType } from './input.ts';

/** Takes a protection away, or goes round one. */
const WEAKENS =
  /^(secret_scanning|repository_secret_scanning|dependabot|repository_vulnerability_alerts|business_advanced_security|repository_advanced_security|org_advanced_security|advanced_security|code_scanning|ip_allow_list|business_secret_scanning)\w*\.(disable|disabled)|^(org|business|enterprise)\.(\w+\.)?(disable_|saml_disabled)|^org\.saml_disabled|^ip_allow_list_entry\.destroy|^protected_branch\.(destroy|policy_override)|^repository_ruleset\.destroy|push_protection.*(disable|bypass)|^audit_log_streaming\.(destroy|disable)/;

const KINDS: readonly (readonly [RegExp, BuiltInEventType])[] = [
  [WEAKENS, 'SECURITY_ALERT'],
  [/^user\.failed_login|failed_login/, 'AUTH_LOGIN_FAILED'],
  [/^user\.(login|two_factor_requested)|^org\.sso_response|^business\.sso_response/, 'AUTH_LOGIN'],
  [/^user\.logout/, 'AUTH_LOGOUT'],
  [/^user\.change_password/, 'AUTH_PASSWORD_CHANGE'],
  [/^user\.(forgot|reset)_password|^user\.password_reset/, 'AUTH_PASSWORD_RESET'],
  [/^two_factor_authentication\.enabled|^two_factor_authentication\.add/, 'AUTH_MFA_ENABLED'],
  [/^two_factor_authentication\.(disabled|remove)/, 'AUTH_MFA_DISABLED'],
  [
    /^(secret_scanning_alert|code_scanning_alert|dependabot_alert|repository_vulnerability_alert)\.(create|reopen|publicly_leaked)/,
    'SECURITY_THREAT_DETECTED',
  ],
  [/vulnerability_alert\.|^(secret_scanning|code_scanning|dependabot)_alert\./, 'SECURITY_ALERT'],
  [
    /^(org\.)?invite_(member|user)$|\.(add_member|add_user|add_outside_collaborator|add_repository|update_member|add_billing_manager|update_permission|add_admin)$|^(business|enterprise)\.(add|invite)_(admin|owner)/,
    'AUTHZ_ROLE_ASSIGNED',
  ],
  [
    /\.(remove_member|remove_user|remove_outside_collaborator|remove_repository|remove_billing_manager|cancel_invitation)$|^(business|enterprise)\.remove_(admin|owner)/,
    'AUTHZ_ROLE_REVOKED',
  ],
  [
    /^(integration_installation|oauth_authorization|personal_access_token|org_credential_authorization)\.(create|grant|access_granted|request_created|repositories_added)/,
    'AUTHZ_PERMISSION_GRANTED',
  ],
  [
    /^(integration_installation|oauth_authorization|personal_access_token|org_credential_authorization)\.(destroy|revoke|access_revoked|deauthorized|repositories_removed)/,
    'AUTHZ_ROLE_REVOKED',
  ],
  [/^git\.(clone|fetch)|^api\.request|^repo\.download_file/, 'DATA_READ'],
  [/^git\.push/, 'DATA_UPDATE'],
  [/download_zip|\.export|^org\.audit_log_(export|git_event_export)/, 'DATA_EXPORT'],
  [/^repo\.import|\.import$/, 'DATA_IMPORT'],
  [
    /^(hook|protected_branch|repository_ruleset|ip_allow_list\w*|business_advanced_security|org_advanced_security|secret_scanning\w*|dependabot\w*|repository_secret_scanning\w*|environment|enterprise|business|audit_log_streaming)\./,
    'CONFIG_CHANGED',
  ],
  [
    /^repo\.(access|enable|disable|actions_enabled|change_merge_setting|update_actions\w*|set_\w+)|^org\.(?!create$|delete$|transfer)/,
    'CONFIG_CHANGED',
  ],
  [/\.(create|add|created\w*)$|\.created_/, 'DATA_CREATE'],
  [/\.(destroy|delete|remove|deleted)$/, 'DATA_DELETE'],
];

const OPERATIONS: Record<string, BuiltInEventType> = {
  create: 'DATA_CREATE',
  access: 'DATA_READ',
  remove: 'DATA_DELETE',
  modify: 'DATA_UPDATE',
};

/** The event type of a GitHub action: known families, then its verb, then GitHub's `operation_type`. */
export function kindOfGithub(action: string, operation: string | undefined): BuiltInEventType {
  return KINDS.find(([pattern]) => pattern.test(action))?.[1] ?? OPERATIONS[operation ?? ''] ?? 'DATA_UPDATE';
}

/** GitHub logs what was done; only sign-ins and workflow runs can have failed. */
export function outcomeOfGithub(action: string, conclusion: string | undefined): AuditOutcome {
  if (/failed_login|_failed$|\.fail$/.test(action)) return 'FAILURE';
  if (/denied|rejected/.test(action)) return 'DENIED';
  return /^(failure|timed_out|startup_failure|cancelled)$/.test(conclusion ?? '') ? 'FAILURE' : 'SUCCESS';
}

const WARNING_KINDS =
  /^(SECURITY_|AUTH_LOGIN_FAILED|AUTH_MFA_DISABLED|AUTHZ_PERMISSION_GRANTED|AUTHZ_ROLE_ASSIGNED)/;
const WARNING_ACTIONS =
  /^repo\.(access|destroy|transfer|disable)|^public_key\.create|^hook\.create|^org\.set_default_workflow|^org\.\w*saml|^team\.destroy/;
/** Affects a whole organisation or enterprise at once. */
const WIDE =
  /^org\.(saml_disabled|disable_)|^(business|enterprise)[._].*disable|^ip_allow_list\.disable|^audit_log_streaming\./;

/** How much a GitHub event deserves a look; GitHub itself has no severities. */
export function severityOfGithub(
  action: string,
  eventType: BuiltInEventType,
  outcome: AuditOutcome,
): AuditSeverity {
  const raised = WARNING_KINDS.test(eventType) || WARNING_ACTIONS.test(action) || outcome === 'DENIED';
  const severity: AuditSeverity = raised ? 'WARNING' : 'INFO';
  return eventType === 'SECURITY_ALERT' && WIDE.test(action) ? atLeast(severity, 'ERROR') : severity;
}
