import { type AuditOutcome, type AuditSeverity, atLeast, type BuiltInEventType } from './input.ts';

/** What the kind, outcome and severity of a CloudTrail record depend on. */
export interface CloudTrailCall {
  /** The API operation, for example `PutBucketPolicy`. */
  name: string;
  /** The service without its domain, for example `s3`. */
  service: string;
  readOnly: boolean | undefined;
  errorCode: string | undefined;
  /** A sign-in that was refused (told outside `errorCode`). */
  failed: boolean;
  /** Done with the account's root user. */
  root: boolean;
  /** A console sign-in with a password alone. */
  withoutMfa: boolean;
  /** The policy that the request names, if any. */
  policy: string | undefined;
}

type Kinds = readonly (readonly [pattern: RegExp, eventType: BuiltInEventType])[];

const LOGIN = /^(ConsoleLogin|ExternalIdPDirectoryLogin|Authenticate|UserAuthentication|Federate)$/;
const SESSION =
  /^(AssumeRole|AssumeRoleWith\w+|AssumeRoot|Get(Session|Federation|Signin|RoleCredentials)\w*|CreateToken|SwitchRole|RenewRole)$/;

/** Takes away what watches or protects the account: logging, detection, encryption, public-access blocks. */
const BLINDS =
  /^(StopLogging|DeleteTrail|DeleteFlowLogs|DeleteDetector|StopMonitoringMembers|DisassociateMembers|DeleteConfigurationRecorder|StopConfigurationRecorder|DeleteDeliveryChannel|DisableSecurityHub|DisableMacie|DisableGuardDuty|LeaveOrganization|ScheduleKeyDeletion|DeleteModelInvocationLoggingConfiguration|DeleteResolverQueryLogConfig|StopActivityStream)$/;
const WEAKENS =
  /^(Delete(Bucket|Account)PublicAccessBlock|DeleteBucketEncryption|DisableEbsEncryptionByDefault|DisableKey|DeleteGuardrail|DeleteWebACL|DisassociateWebACL|DeleteConfigRule|DeleteAccountPasswordPolicy|DeleteAlarms|DisableAlarmActions|DisableOrganizationAdminAccount)$/;

const KINDS: Kinds = [
  [/^(Logout|ExitRole)$/, 'AUTH_LOGOUT'],
  [/^(ChangePassword|PasswordUpdated)$/, 'AUTH_PASSWORD_CHANGE'],
  [
    /^((Create|Update)LoginProfile|PasswordRecovery\w*|AdminSetUserPassword|AdminResetUserPassword)$/,
    'AUTH_PASSWORD_RESET',
  ],
  [/^(EnableMFADevice|CreateVirtualMFADevice)$/, 'AUTH_MFA_ENABLED'],
  [/^(DeactivateMFADevice|DeleteVirtualMFADevice)$/, 'AUTH_MFA_DISABLED'],
  [/^CheckMfa$/, 'AUTH_MFA_VERIFIED'],
  [BLINDS, 'SECURITY_ALERT'],
  [WEAKENS, 'SECURITY_ALERT'],
  [
    /^(AddUserToGroup|AddRoleTo\w+|AssociateIamInstanceProfile|CreateAccountAssignment)$/,
    'AUTHZ_ROLE_ASSIGNED',
  ],
  [/^(Attach|Put)(User|Role|Group)\w*Policy$/, 'AUTHZ_PERMISSION_GRANTED'],
  [
    /^(AddPermission|CreateGrant|UpdateAssumeRolePolicy|SetDefaultPolicyVersion|CreatePolicyVersion|SetRepositoryPolicy)/,
    'AUTHZ_PERMISSION_GRANTED',
  ],
  [/^Put\w*(Policy|Acl)$/, 'AUTHZ_PERMISSION_GRANTED'],
  [
    /^(RemoveUserFromGroup|RemoveRoleFrom\w+|DeleteAccountAssignment|Detach(User|Role|Group)\w+|RemovePermission\w*|RevokeGrant|RetireGrant)$/,
    'AUTHZ_ROLE_REVOKED',
  ],
  [/^Delete(User|Role|Group|Bucket|Resource|Repository)Policy$/, 'AUTHZ_ROLE_REVOKED'],
  [
    /^(Authorize|Revoke)\w*SecurityGroup|^(Create|Replace|Delete)(NetworkAcl|Route\b)|^AttachInternetGateway$/,
    'CONFIG_CHANGED',
  ],
  [
    /^(Put|Delete)(Account|Bucket)(Logging|Versioning|Encryption|Lifecycle|LifecycleConfiguration|Replication|PublicAccessBlock|Notification|Cors|Website|Tagging)$/,
    'CONFIG_CHANGED',
  ],
  [
    /^(UpdateTrail|PutEventSelectors|PutDeliveryChannel|PutConfigurationRecorder|StartLogging|UpdateDetector|UpdateMacieSession|UpdateAccountPasswordPolicy|UpdateGuardrail|EnableRegion|DisableRegion|\w+SAMLProvider|\w+OpenIDConnectProvider\w*|SetQueueAttributes)$/,
    'CONFIG_CHANGED',
  ],
  [/^(Enable|Disable)[A-Z]/, 'CONFIG_CHANGED'],
];

const VERBS: Kinds = [
  [/^(StartExportTask|Export[A-Z]|Create\w*ExportTask|DownloadDB)/, 'DATA_EXPORT'],
  [/^(Import[A-Z]|StartImport)/, 'DATA_IMPORT'],
  [
    /^(Get|List|Describe|BatchGet|Head|Lookup|Search|Query|Scan|Select|View|Decrypt|Download|Simulate|Check)/,
    'DATA_READ',
  ],
  [/^(Create|Put|Run|Add|Register|Copy|Restore|Upload|Allocate|Generate|Invite|Request)/, 'DATA_CREATE'],
  [/^(Delete|Terminate|Remove|Deregister|Purge|Release|Cancel)/, 'DATA_DELETE'],
];

/** The event type of a CloudTrail record: the meaning of known operations first, then the verb of the name. */
export function kindOfCall(call: CloudTrailCall): BuiltInEventType {
  const failed = outcomeOfCall(call) !== 'SUCCESS';
  if (LOGIN.test(call.name)) return failed ? 'AUTH_LOGIN_FAILED' : 'AUTH_LOGIN';
  if (SESSION.test(call.name)) return failed ? 'AUTHZ_PERMISSION_DENIED' : 'AUTH_SESSION_CREATED';
  const known = KINDS.find(([pattern]) => pattern.test(call.name));
  if (known !== undefined) return refusedGrant(known[1], call) ? 'AUTHZ_PERMISSION_DENIED' : known[1];
  const verb = VERBS.find(([pattern]) => pattern.test(call.name))?.[1];
  // Exports and downloads are reads to AWS; to an auditor they are data that leaves.
  if (call.readOnly === true) return verb === 'DATA_EXPORT' ? 'DATA_EXPORT' : 'DATA_READ';
  return verb ?? 'DATA_UPDATE';
}

/** A grant that AWS refused gave nobody anything. */
function refusedGrant(eventType: BuiltInEventType, call: CloudTrailCall): boolean {
  return /^AUTHZ_(PERMISSION_GRANTED|ROLE_ASSIGNED)$/.test(eventType) && outcomeOfCall(call) === 'DENIED';
}

const DENIED = /AccessDenied|Unauthorized|NotAuthorized|Forbidden|AuthFailure|Blocked|MFARequired/i;
const SERVER =
  /^(Server\.|Internal|ServiceUnavailable|ServiceException|Unavailable)|InternalError|InternalFailure/i;
/** A dry run that "fails" with this code would have been allowed. */
const DRY_RUN = /DryRunOperation/;

/** What AWS answered: no error is SUCCESS, a refusal DENIED, a fault of the service ERROR, any other error FAILURE. */
export function outcomeOfCall(call: CloudTrailCall): AuditOutcome {
  const { errorCode } = call;
  if (errorCode === undefined || DRY_RUN.test(errorCode)) return call.failed ? 'FAILURE' : 'SUCCESS';
  if (DENIED.test(errorCode)) return 'DENIED';
  return SERVER.test(errorCode) ? 'ERROR' : 'FAILURE';
}

const WARNING_KINDS = new Set<BuiltInEventType>([
  'AUTH_LOGIN_FAILED',
  'AUTH_MFA_DISABLED',
  'AUTHZ_PERMISSION_DENIED',
  'AUTHZ_PERMISSION_GRANTED',
  'AUTHZ_ROLE_ASSIGNED',
  'CONFIG_CHANGED',
  'SECURITY_ALERT',
]);
const CREDENTIALS =
  /^(CreateAccessKey|CreateUser|GetSecretValue|BatchGetSecretValue|GetPasswordData|ScheduleKeyDeletion|(Create|Update)LoginProfile)$/;

/** How much a CloudTrail record deserves a look; CloudTrail itself has no severities. */
export function severityOfCall(
  call: CloudTrailCall,
  eventType: BuiltInEventType,
  outcome: AuditOutcome,
): AuditSeverity {
  let severity: AuditSeverity =
    WARNING_KINDS.has(eventType) || CREDENTIALS.test(call.name) ? 'WARNING' : 'INFO';
  if (outcome === 'DENIED' || (outcome === 'FAILURE' && eventType !== 'DATA_READ')) {
    severity = atLeast(severity, 'WARNING');
  }
  if (outcome === 'ERROR' || BLINDS.test(call.name)) severity = atLeast(severity, 'ERROR');
  if (outcome === 'SUCCESS' && /AdministratorAccess|FullAccess/.test(call.policy ?? '')) {
    severity = atLeast(severity, 'ERROR');
  }
  if (call.root && eventType !== 'DATA_READ') severity = atLeast(severity, 'WARNING');
  return call.withoutMfa && eventType === 'AUTH_LOGIN' ? atLeast(severity, 'WARNING') : severity;
}
