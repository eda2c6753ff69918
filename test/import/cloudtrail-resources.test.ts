import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/events/fields.ts';
import { resourceOfCall } from '../../src/import/cloudtrail-resources.ts';

const ARN = 'arn:aws:rds:us-east-1:111122223333:cluster:main';
/** Call, request, answer, and the resource that it is about. */
const CALLS: [call: string, request: JsonObject | null, answer: JsonObject | null, resource: string][] = [
  ['iam:CreateUser', { userName: 'bob' }, { user: { userName: 'bob', arn: 'x' } }, 'AWS::IAM::User bob'],
  [
    'ec2:CreateTags',
    { resourcesSet: { items: [{ resourceId: 'i-9' }] }, tagSet: {} },
    {},
    'AWS::EC2::Instance i-9',
  ],
  [
    'ec2:DeleteTags',
    { resourcesSet: { items: [{ resourceId: 'vpce-1' }] } },
    {},
    'AWS::EC2::VPCEndpoint vpce-1',
  ],
  ['ec2:EnableSerialConsoleAccess', {}, { serialConsoleAccessEnabled: true }, 'AWS::Account 111122223333'],
  ['ec2:DisableSnapshotBlockPublicAccess', {}, { state: 'unblocked' }, 'AWS::Account 111122223333'],
  [
    'organizations:InviteAccountToOrganization',
    { target: { type: 'ACCOUNT', id: '222233334444' } },
    { handshake: { id: 'h-1' } },
    'AWS::Account 222233334444',
  ],
  [
    'organizations:CreateOrganization',
    { featureSet: 'ALL' },
    { organization: { id: 'o-1', masterAccountId: '111122223333' } },
    'AWS::Organizations::Organization o-1',
  ],
  [
    'organizations:CreatePolicy',
    { name: 'deny', type: 'SERVICE_CONTROL_POLICY' },
    { policy: { policySummary: { id: 'p-1', name: 'deny' } } },
    'AWS::Organizations::Policy p-1',
  ],
  [
    'organizations:CreateOrganizationalUnit',
    { parentId: 'r-1', name: 'sandbox' },
    { organizationalUnit: { id: 'ou-1', name: 'sandbox' } },
    'AWS::Organizations::OrganizationalUnit ou-1',
  ],
  ['iam:AddUserToGroup', { groupName: 'admins', userName: 'bob' }, null, 'AWS::IAM::User bob'],
  ['iam:AttachRolePolicy', { roleName: 'ci', policyArn: 'arn:p' }, null, 'AWS::IAM::Role ci'],
  ['iam:PutGroupPolicy', { groupName: 'ops', policyName: 'p' }, null, 'AWS::IAM::Group ops'],
  [
    'iam:CreatePolicy',
    { policyName: 'p' },
    { policy: { arn: 'arn:p', policyName: 'p' } },
    'AWS::IAM::Policy arn:p',
  ],
  ['iam:DeleteSAMLProvider', { sAMLProviderArn: 'arn:s' }, null, 'AWS::IAM::SAMLProvider arn:s'],
  ['iam:CreateAccessKey', null, { accessKey: { userName: 'bob' } }, 'AWS::IAM::User bob'],
  [
    'ec2:RunInstances',
    { instancesSet: { items: [{ imageId: 'ami-1' }] }, subnetId: 'subnet-1' },
    { instancesSet: { items: [{ instanceId: 'i-1', imageId: 'ami-1', subnetId: 'subnet-1' }] } },
    'AWS::EC2::Instance i-1',
  ],
  [
    'ec2:CreateSecurityGroup',
    { groupName: 'g', vpcId: 'vpc-1' },
    { groupId: 'sg-1' },
    'AWS::EC2::SecurityGroup sg-1',
  ],
  [
    'ec2:CreateVolume',
    { snapshotId: 'snap-1' },
    { volumeId: 'vol-1', snapshotId: 'snap-1' },
    'AWS::EC2::Volume vol-1',
  ],
  ['ec2:AttachVolume', { volumeId: 'vol-1', instanceId: 'i-1' }, null, 'AWS::EC2::Volume vol-1'],
  ['ec2:CreateVpc', { cidrBlock: '10.0.0.0/8' }, { vpc: { vpcId: 'vpc-1' } }, 'AWS::EC2::VPC vpc-1'],
  [
    'ec2:DeleteFlowLogs',
    { DeleteFlowLogsRequest: { FlowLogId: { content: 'fl-1', tag: 1 } } },
    null,
    'AWS::EC2::FlowLog fl-1',
  ],
  ['ec2:CreateKeyPair', { keyName: 'k' }, { keyName: 'k', keyPairId: 'key-1' }, 'AWS::EC2::KeyPair k'],
  ['s3:PutBucketPolicy', { bucketName: 'b' }, null, 'AWS::S3::Bucket b'],
  ['s3:DeleteObject', { bucketName: 'b', key: 'a/b' }, null, 'AWS::S3::Object b/a/b'],
  [
    'rds:CopyDBSnapshot',
    { sourceDBSnapshotIdentifier: 'a', targetDBSnapshotIdentifier: 'b' },
    { dBSnapshotIdentifier: 'b', dBInstanceIdentifier: 'db' },
    'AWS::RDS::DBSnapshot b',
  ],
  [
    'rds:CreateDBSnapshot',
    { dBSnapshotIdentifier: 's', dBInstanceIdentifier: 'db' },
    null,
    'AWS::RDS::DBSnapshot s',
  ],
  ['rds:ModifyDBCluster', { dBClusterIdentifier: 'c' }, null, 'AWS::RDS::DBCluster c'],
  ['rds:FailoverGlobalCluster', { globalClusterIdentifier: 'g' }, null, 'AWS::RDS::GlobalCluster g'],
  ['rds:StopActivityStream', { resourceArn: ARN }, null, `AWS::rds::cluster ${ARN}`],
  ['lambda:AddPermission20150331v2', { functionName: 'f' }, null, 'AWS::Lambda::Function f'],
  ['lambda:PublishLayerVersion20181031', { layerName: 'l' }, null, 'AWS::Lambda::LayerVersion l'],
  ['kms:CreateKey', { description: '' }, { keyMetadata: { keyId: 'k', arn: 'x' } }, 'AWS::KMS::Key k'],
  ['kms:CreateAlias', { aliasName: 'alias/a', targetKeyId: 'k' }, null, 'AWS::KMS::Alias alias/a'],
  ['kms:ScheduleKeyDeletion', { keyId: 'k' }, { keyId: 'arn:k' }, 'AWS::KMS::Key k'],
  ['ssm:PutParameter', { name: '/prod/db' }, { version: 1 }, 'AWS::SSM::Parameter /prod/db'],
  ['ssm:CreateDocument', { name: 'doc' }, null, 'AWS::SSM::Document doc'],
  ['ssm:SendCommand', { documentName: 'd', instanceIds: ['i-1', 'i-2'] }, null, 'AWS::EC2::Instance i-1'],
  ['ssm:StartSession', { target: 'i-1' }, { sessionId: 's' }, 'AWS::SSM::Session s'],
  ['eks:CreateCluster', { name: 'c' }, { cluster: { name: 'c' } }, 'AWS::EKS::Cluster c'],
  ['eks:CreateNodegroup', { clusterName: 'c', nodegroupName: 'n' }, null, 'AWS::EKS::Nodegroup n'],
  ['eks:CreateAccessEntry', { name: 'c', principalArn: 'arn:r' }, null, 'AWS::EKS::AccessEntry arn:r'],
  ['cloudtrail:StopLogging', { name: 'main' }, null, 'AWS::CloudTrail::Trail main'],
  ['cloudtrail:PutEventSelectors', { trailName: 'main' }, null, 'AWS::CloudTrail::Trail main'],
  [
    'cloudtrail:DeleteEventDataStore',
    { eventDataStore: 'arn:e' },
    null,
    'AWS::CloudTrail::EventDataStore arn:e',
  ],
  ['organizations:AttachPolicy', { policyId: 'p-1', targetId: '1' }, null, 'AWS::Organizations::Policy p-1'],
  ['organizations:MoveAccount', { accountId: '1' }, null, 'AWS::Organizations::Account 1'],
  ['organizations:LeaveOrganization', null, null, 'AWS::Account 111122223333'],
  [
    'secretsmanager:CreateSecret',
    { name: 'n' },
    { aRN: 'arn:s', name: 'n' },
    'AWS::SecretsManager::Secret arn:s',
  ],
  ['secretsmanager:DeleteSecret', { secretId: 'n' }, { aRN: 'arn:s' }, 'AWS::SecretsManager::Secret n'],
];

describe('the resource of a CloudTrail record', () => {
  it.each(CALLS)('of %s with %o and %o', (call, requestParameters, responseElements, resource) => {
    const [service, eventName = ''] = call.split(':');
    const found = resourceOfCall({
      eventSource: `${service}.amazonaws.com`,
      eventName,
      requestParameters,
      responseElements,
      recipientAccountId: '111122223333',
    });
    expect(`${found.resourceType} ${found.resourceId}`).toBe(resource);
  });

  it('is what the record lists, before what its request names', () => {
    const resources = [{ ARN: 'arn:aws:s3:::b', type: 'AWS::S3::Bucket' }];
    const record = { eventSource: 's3.amazonaws.com', resources, requestParameters: { bucketName: 'c' } };
    expect(resourceOfCall(record)).toEqual({ resourceType: 'AWS::S3::Bucket', resourceId: 'arn:aws:s3:::b' });
  });

  it('is nothing when the record names nothing', () => {
    const record = { eventSource: 'kms.amazonaws.com', eventName: 'PutKeyPolicy', requestParameters: null };
    expect(resourceOfCall(record).resourceId).toBeUndefined();
  });
});
