import { createCatalogue } from './meanings.ts';

/**
 * The meanings of AWS operations, as `service:Operation` (the `eventSource` without its domain and the `eventName`
 * without its API version). The class of each operation is its access level in the AWS Service Authorization Reference
 * (Read, List, Write, Tagging, Permissions management). A test compares this table with
 * test/import/catalogues/cloudtrail.tsv, the list of the operations that manage permissions, sign in, monitor or protect.
 * Calls that can grant or revoke, depending on their request, are in `DIRECTIONS` of cloudtrail.ts.
 */
export const CLOUDTRAIL_CALLS = createCatalogue({
  login: {
    rules: '*:ConsoleLogin *:ExternalIdPDirectoryLogin *:Authenticate *:UserAuthentication *:Federate',
  },
  logout: { rules: '*:Logout *:ExitRole' },
  'role-assumed': {
    rules: `
      *:AssumeRole* *:AssumeRoot *:SwitchRole *:RenewRole *:GetSessionToken *:GetFederationToken *:GetSigninToken
      *:GetRoleCredentials *:GetCredentialsForIdentity *:GetClusterCredentials* *:GetAuthorizationToken
      *:GetWorkloadAccessToken* *SessionCredentials`,
    names: `
      sso:CreateToken sso-oauth:CreateToken sso-oauth:CreateTokenWithIAM ssm:StartSession ssm:ResumeSession
      sts:GetWebIdentityToken sts:GetDelegatedAccessToken cognito-idp:GetTokensFromRefreshToken
      redshift-serverless:GetCredentials cloudwatch:AssumeAccessProfile`,
  },
  'session-revoked': {
    rules: `
      *:AdminUserGlobalSignOut *:GlobalSignOut *:RevokeToken`,
    names: 'ssm:TerminateSession',
  },
  'password-changed': { rules: '*:ChangePassword *:PasswordUpdated' },
  'password-reset': {
    rules: `
      *:CreateLoginProfile *:UpdateLoginProfile *:PasswordRecovery* *:AdminSetUserPassword *:AdminResetUserPassword
      *:ResetUserPassword`,
  },
  'factor-added': { rules: '*:EnableMFADevice *:CreateVirtualMFADevice' },
  'factor-removed': { rules: '*:DeactivateMFADevice *:DeleteVirtualMFADevice' },
  'factor-verified': { rules: '*:CheckMfa' },
  granted: {
    rules: `
      iam:Attach*Policy iam:Put*Policy *:Put*ResourcePolicy *:Put*AccessPolicy *:Put*SharingPolicy *:Put*Acl
      *:PutBucketPolicy s3*:Put*Policy *:Put*AccessPointPolicy* *:PutKeyPolicy imagebuilder:Put*Policy
      mediapackagev2:Put*Policy route53resolver:Put*Policy *:Put*Permission *:AddPermission* *:Add*Permission
      *:Create*Permission *:CreateGrant *:Create*AccessGrant* wellarchitected:Create*Share *:GrantPermissions
      *:BatchGrantPermissions *:SetRepositoryPolicy *:SetVaultAccessPolicy *:AuthorizeDataShare *:Authorize*Access
      *:Add*PolicyStatement *:AddPolicyGrant *:AllowVendedLogDeliveryForResource *:CreateEmailIdentityPolicy
      *:Attach*ToPermissionSet *:EnableSharingWithAwsOrganization *:Enable*AccessForOrganization *:PutWorkspaceAccess
      *:CreateAccessAssociation *:CreateResourceShare *:AssociateResourceShare *:AcceptResourceShareInvitation`,
    names: `
      iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:UpdateAssumeRolePolicy iot:AttachPolicy
      iot:AttachPrincipalPolicy ec2-instance-connect:SendSSHPublicKey ec2-instance-connect:SendSerialConsoleSSHPublicKey
      redshift:CreateSnapshotCopyGrant lambda:CreateFunctionUrlConfig lambda:UpdateFunctionUrlConfig
      iam:CreateOpenIDConnectProvider iam:CreateSAMLProvider eks:CreateAccessEntry eks:AssociateAccessPolicy
      codebuild:UpdateProjectVisibility lambda:EnableReplication cloudwatch:CreateAccessProfile
      cloudwatch:CreateDomainAccessGrantForOrganization dynamodb:UpdateAbacStatus codeartifact:PutDomainPermissionsPolicy
      codeartifact:PutRepositoryPermissionsPolicy organizations:EnableAWSServiceAccess
      organizations:RegisterDelegatedAdministrator servicecatalog:CreatePortfolioShare
      servicecatalog:UpdatePortfolioShare omics:CreateShare odb:CreateGrantShare acm-pca:PutPolicy
      cleanrooms-ml:PutConfiguredAudienceModelPolicy elasticfilesystem:PutFileSystemPolicy entityresolution:PutPolicy
      mediastore:PutContainerPolicy mediatailor:PutChannelPolicy ses:PutIdentityPolicy vpc-lattice:PutAuthPolicy
      ecr:PutRegistryPolicy sso:PutPermissionsPolicy waf:PutPermissionPolicy waf-regional:PutPermissionPolicy
      wafv2:PutPermissionPolicy dsql:PutClusterPolicy kafka:PutClusterPolicy oam:PutSinkPolicy
      serverlessrepo:PutApplicationPolicy rekognition:PutProjectPolicy sagemaker:PutModelPackageGroupPolicy
      logs:PutDestinationPolicy logs:PutDeliveryDestinationPolicy`,
  },
  revoked: {
    rules: `
      iam:Detach*Policy iam:Delete*Policy *:Delete*ResourcePolicy *:Delete*AccessPolicy *:Delete*SharingPolicy
      *:DeleteBucketPolicy s3*:Delete*Policy imagebuilder:Delete*Policy mediapackagev2:Delete*Policy
      *:Delete*AccessPointPolicy* *:Remove*Permission* *:Delete*Permission *:RevokeGrant *:RetireGrant
      *:Delete*AccessGrant* wellarchitected:Delete*Share *:RevokePermissions *:BatchRevokePermissions
      *:DeauthorizeDataShare *:Revoke*Access *:Delete*PolicyStatement *:RemovePolicyGrant *:Detach*FromPermissionSet
      *:Disable*AccessForOrganization *:DeleteWorkspaceAccess *:Cancel*LaunchPermission *:DisassociateResourceShare
      *:DeleteResourceShare *:RevokeSubscription *:Reset*SnapshotAttribute *:ResetImageAttribute`,
    names: `
      iot:DetachPolicy iot:DetachPrincipalPolicy iam:DeletePolicyVersion lambda:DeleteFunctionUrlConfig
      iam:DeleteOpenIDConnectProvider iam:DeleteSAMLProvider eks:DeleteAccessEntry eks:DisassociateAccessPolicy
      lambda:DisableReplication cloudwatch:DeleteAccessProfile cloudwatch:DeleteDomainAccessGrantForOrganization
      codeartifact:DeleteDomainPermissionsPolicy codeartifact:DeleteRepositoryPermissionsPolicy
      organizations:DisableAWSServiceAccess organizations:DeregisterDelegatedAdministrator
      s3express:DeleteAccessPointScope servicecatalog:DeletePortfolioShare omics:DeleteShare acm-pca:DeletePolicy
      ecr:DeleteRegistryPolicy ecr:DeleteRepositoryPolicy elasticfilesystem:DeleteFileSystemPolicy
      mediastore:DeleteContainerPolicy mediatailor:DeleteChannelPolicy ses:DeleteIdentityPolicy
      ses:DeleteEmailIdentityPolicy vpc-lattice:DeleteAuthPolicy waf:DeletePermissionPolicy
      waf-regional:DeletePermissionPolicy wafv2:DeletePermissionPolicy kafka:DeleteClusterPolicy
      dsql:DeleteClusterPolicy rekognition:DeleteProjectPolicy
      sagemaker:DeleteModelPackageGroupPolicy iot:DeletePolicyVersion`,
  },
  'role-assigned': {
    rules: `
      *:AddUserToGroup *:AdminAddUserToGroup *:AddRoleTo* *:AssociateIamInstanceProfile *:CreateAccountAssignment
      *:ReplaceIamInstanceProfileAssociation *:CreateGroupMembership *:Associate*Member* *:AssociateProjectAdminUser
      *:Create*UserAssociation *:CreateUserAccessRoleAssociation *:AssociateServiceRoleToAccount *:JoinGroup
      *:AddClientIDToOpenIDConnectProvider`,
  },
  'role-revoked': {
    rules: `
      *:RemoveUserFromGroup *:AdminRemoveUserFromGroup *:RemoveRoleFrom* *:DisassociateIamInstanceProfile
      *:DeleteAccountAssignment *:DeleteGroupMembership *:Disassociate*Member* *:DisassociateProjectAdminUser
      *:Delete*UserAssociation *:DeleteUserAccessRoleAssociation *:DisassociateServiceRoleFromAccount
      *:RemoveClientIDFromOpenIDConnectProvider`,
  },
  'access-changed': {
    rules: `
      *:Modify*SnapshotAttribute *:ModifyImageAttribute *:ModifyDocumentPermission *:Modify*Permissions
      *:Update*Permissions *:Update*Permission *:UpdateTeamMember *:ModifyClusterIamRoles
      *:UpdateServiceAccessPolicies *:UpdateAccessProfile *:UpdateAccessGrantsLocation *:SetPermission
      *:UpdatePermissionSet *:UpdateSAMLProvider *:UpdateOpenIDConnectProvider* *:UpdateEmailIdentityPolicy
      *:UpdateDomainNamePolicy *:UpdateDomainNameManagementPolicy *:UpdateRestApiPolicy *:PutDataLakeSettings
      *:UpdateAccessEntry *:ModifyVpcEndpointServicePermissions`,
    names: `
      sns:SetTopicAttributes sqs:SetQueueAttributes s3:SetQueueAttributes organizations:UpdatePolicy
      iot:SetDefaultAuthorizer iot:SetDefaultPolicyVersion iot:CreatePolicyVersion glacier:SetDataRetrievalPolicy
      license-manager:UpdateServiceSettings s3express:PutAccessPointScope opsworks:UpdateUserProfile`,
  },
  'access-widened': {
    rules: `
      *:Authorize*SecurityGroup* *:AttachInternetGateway *:CreateNetworkAclEntry *:ReplaceNetworkAclEntry
      *:CreateNetworkAcl *:Delete*PermissionsBoundary *:DeletePermissionsBoundaryFrom* *:DisassociateWebACL
      *:CreateVpcPeeringConnection *:AcceptVpcPeeringConnection`,
    names: `
      organizations:DetachPolicy ec2:EnableSerialConsoleAccess rds:EnableHttpEndpoint
      rolesanywhere:EnableTrustAnchor rolesanywhere:EnableProfile iam:EnableOutboundWebIdentityFederation
      iam:EnableOrganizationsRootSessions ec2:CreateRoute ec2:ReplaceRoute`,
  },
  'access-narrowed': {
    rules: `
      *:Revoke*SecurityGroup* *:DetachInternetGateway *:DeleteNetworkAclEntry *:DeleteNetworkAcl
      *:Put*PermissionsBoundary *:PutPermissionsBoundaryTo* *:AssociateWebACL *:DeleteVpcPeeringConnection`,
    names: `
      organizations:AttachPolicy ec2:DisableSerialConsoleAccess rds:DisableHttpEndpoint
      rolesanywhere:DisableTrustAnchor rolesanywhere:DisableProfile iam:DisableOutboundWebIdentityFederation
      iam:DisableOrganizationsRootSessions ec2:DeleteRoute`,
  },
  'request-refused': { rules: '*:RejectDataShare *:RejectAccessAssociation *:RejectResourceShareInvitation' },
  'account-created': { names: 'iam:CreateUser organizations:CreateAccount' },
  'account-suspended': { rules: '*:AdminDisableUser *:DisableUser' },
  'account-restored': { rules: '*:AdminEnableUser *:EnableUser' },
  'credential-created': {
    rules: `
      *:CreateAccessKey *:UploadSSHPublicKey *:UploadSigningCertificate *:UploadServerCertificate
      *:CreateServiceSpecificCredential *:ResetServiceSpecificCredential *:CreateKeyPair *:ImportKeyPair *:CreateApiKey
      *:CreateSecret *:CreateUserPoolClient`,
  },
  'credential-changed': {
    rules: `
      *:UpdateAccessKey *:RotateSecret *:PutSecretValue *:UpdateSecret *:UpdateSSHPublicKey *:UpdateSigningCertificate
      *:UpdateServiceSpecificCredential`,
  },
  'credential-removed': {
    rules: `
      *:DeleteAccessKey *:DeleteSSHPublicKey *:DeleteSigningCertificate *:DeleteServerCertificate
      *:DeleteServiceSpecificCredential *:DeleteKeyPair *:DeleteApiKey *:DeleteSecret`,
  },
  'secret-read': {
    rules: `
      *:GetSecretValue *:BatchGetSecretValue *:GetPasswordData *:GetConsoleScreenshot *MasterUserPassword
      *:GetInstanceAccessDetails`,
  },
  'logging-off': {
    rules: `
      *:StopLogging *:DeleteTrail *:DeleteFlowLogs *:StopMonitoringMembers *:DisassociateMembers
      *:DeleteConfigurationRecorder *:StopConfigurationRecorder *:DeleteDeliveryChannel *:DisableSecurityHub
      *:DisableMacie *:LeaveOrganization *:ScheduleKeyDeletion *:DeleteModelInvocationLoggingConfiguration
      *:DeleteResolverQueryLogConfig *:StopActivityStream *:DeleteEventDataStore
      *:StopEventDataStoreIngestion *:DisableSecurityHubV2`,
    names: `
      guardduty:DeleteDetector inspector2:Disable redshift:DisableLogging`,
  },
  'logging-on': {
    rules: `
      *:StartLogging *:CreateTrail *:CreateFlowLogs *:StartMonitoringMembers *:PutConfigurationRecorder
      *:StartConfigurationRecorder *:PutDeliveryChannel *:EnableSecurityHub *:EnableMacie
      *:StartActivityStream *:PutBucketLogging *:CreateEventDataStore *:CancelKeyDeletion
      *:PutModelInvocationLoggingConfiguration *:CreateResolverQueryLogConfig *:EnableSecurityHubV2`,
    names: `
      guardduty:CreateDetector inspector2:Enable redshift:EnableLogging`,
  },
  'protection-off': {
    rules: `
      *:Delete*PublicAccessBlock *:DeleteBucketEncryption *:DisableEbsEncryptionByDefault *:DisableKey
      *:DeleteGuardrail *:DeleteWebACL *:DeleteConfigRule *:DeleteAlarms *:DisableAlarmActions shield:Disable*
      *:DisableOrganizationAdminAccount *:Disable*BlockPublicAccess *:DeleteBucketReplication *:DisableKeyRotation
      *:DeleteDBClusterAutomatedBackup *:DeleteDBInstanceAutomatedBackup *:DeleteIPSet *:DeleteThreatIntelSet
      *:DeleteRecoveryPoint controltower:Disable*`,
    names: `
      iam:DeleteAccountPasswordPolicy events:DeleteRule cloudtrail:DeleteRule waf:DeleteRule waf-regional:DeleteRule
      backup:DeleteBackupVault backup:DeleteBackupVaultLockConfiguration backup:DeleteBackupVaultNotifications
      organizations:DisablePolicyType route53:DisableHostedZoneDNSSEC ds:DisableLDAPS ds:DisableClientAuthentication
      ec2:DisableImageDeregistrationProtection ec2:DisableAllowedImagesSettings`,
  },
  'protection-on': {
    rules: `
      *:Put*PublicAccessBlock *:PutBucketEncryption *:EnableEbsEncryptionByDefault *:EnableKey *:CreateGuardrail
      *:CreateWebACL *:PutConfigRule *:EnableAlarmActions *:EnableOrganizationAdminAccount *:Enable*BlockPublicAccess
      *:EnableKeyRotation *:PutBlockPublicAccessConfiguration *:PutBucketVersioning *:PutBucketReplication
      *:InitiateVaultLock *:CompleteVaultLock shield:Enable* controltower:Enable*`,
    names: `
      organizations:EnablePolicyType route53:EnableHostedZoneDNSSEC ds:EnableLDAPS ds:EnableClientAuthentication
      ec2:EnableImageDeregistrationProtection ec2:EnableAllowedImagesSettings`,
  },
  'policy-added': { names: 'iam:CreatePolicy organizations:CreatePolicy iot:CreatePolicy' },
  'policy-removed': {
    names: 'iam:DeletePolicy iot:DeletePolicy organizations:DeletePolicy glacier:AbortVaultLock',
  },
  'policy-changed': {
    rules: `
      *:UpdateTrail *:PutEventSelectors *:PutInsightSelectors *:UpdateDetector *:UpdateMacieSession
      *:UpdateAccountPasswordPolicy *:UpdateGuardrail *:UpdateWebACL *:SetWebACL *:PutEncryptionConfig
      *:PutBucketOwnershipControls *:ModifyInstanceAttribute *:SetStackPolicy *:CreateIPSet *:UpdateIPSet`,
  },
  'setting-on': { rules: '*:Enable*' },
  'setting-off': { rules: '*:Disable*' },
  'setting-changed': {
    rules: `
      *:PutBucketLifecycle* *:PutBucketNotification* *:PutBucketCors *:PutBucketWebsite *:PutBucketTagging
      *:DeleteBucketLifecycle *:DeleteBucketNotification* *:DeleteBucketCors *:DeleteBucketWebsite
      *:DeleteBucketTagging *:Tag* *:Untag* *:CreateTags *:DeleteTags`,
  },
  destroyed: { rules: '*:DeleteLogGroup *:DeleteLogStream' },
  'command-run': {
    rules: '*:SendCommand *:StartAutomationExecution *:ExecuteCommand *:CreateControlChannel',
  },
  exported: {
    rules: `
      *:StartExportTask *:Export* *:Create*ExportTask *:DownloadDB* *:GetObjectTorrent *:CreateStoreImageTask`,
  },
  imported: { rules: '*:Import* *:StartImport*' },
  read: {
    rules: `
      *:Get* *:List* *:Describe* *:BatchGet* *:Lookup* *:Search* *:Query* *:Scan *:Select* *:View* *:Decrypt
      *:Simulate* *:Check* *:Validate*`,
  },
  created: {
    rules: `
      *:Create* *:Put* *:Run* *:Add* *:Register* *:Copy* *:Restore* *:Upload* *:Allocate* *:Generate* *:Invite*
      *:Request* *:Import*Certificate`,
  },
  deleted: { rules: '*:Delete* *:Terminate* *:Remove* *:Deregister* *:Purge* *:Release* *:Cancel*' },
  updated: {
    rules: `
      *:Update* *:Modify* *:Set* *:Start* *:Stop* *:Reboot* *:Attach* *:Detach* *:Associate* *:Disassociate*
      *:Replace* *:Reset* *:Failover* *:Send* *:Change* *:Promote*`,
  },
});
