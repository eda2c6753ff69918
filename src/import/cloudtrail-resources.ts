import type { JsonObject, JsonValue } from '../events/fields.ts';
import { firstText, isObject, parseExactly, textAt, valueAt } from './json-values.ts';

/**
 * The kinds of resources of each service, and the members of a request or response that hold their ids, in any letter
 * case and at any depth. If several are present, the kind whose name occurs first in the name of the operation wins
 * (`AttachVolume`: the volume), then the order of this table.
 */
const KINDS: Record<string, readonly (readonly [kind: string, members: string])[]> = {
  ec2: [
    ['Instance', 'instanceId'],
    ['Snapshot', 'snapshotId'],
    ['Image', 'imageId'],
    ['Volume', 'volumeId'],
    ['SecurityGroup', 'groupId securityGroupId'],
    ['NetworkAcl', 'networkAclId'],
    ['RouteTable', 'routeTableId'],
    ['InternetGateway', 'internetGatewayId'],
    ['NatGateway', 'natGatewayId'],
    ['VPCPeeringConnection', 'vpcPeeringConnectionId'],
    ['VPCEndpoint', 'vpcEndpointId'],
    ['VPNConnection', 'vpnConnectionId'],
    ['CustomerGateway', 'customerGatewayId'],
    ['TransitGateway', 'transitGatewayId'],
    ['TrafficMirrorFilterRule', 'trafficMirrorFilterRuleId'],
    ['TrafficMirrorSession', 'trafficMirrorSessionId'],
    ['TrafficMirrorTarget', 'trafficMirrorTargetId'],
    ['TrafficMirrorFilter', 'trafficMirrorFilterId'],
    ['FlowLog', 'flowLogId'],
    ['LaunchTemplate', 'launchTemplateId launchTemplateName'],
    ['KeyPair', 'keyName keyPairId'],
    ['EIP', 'allocationId publicIp'],
    ['NetworkInterface', 'networkInterfaceId'],
    ['Subnet', 'subnetId'],
    ['VPC', 'vpcId'],
  ],
  'ec2-instance-connect': [['Instance', 'instanceId']],
  iam: [
    ['User', 'userName'],
    ['Role', 'roleName'],
    ['Group', 'groupName'],
    ['InstanceProfile', 'instanceProfileName'],
    ['SAMLProvider', 'sAMLProviderArn'],
    ['OpenIDConnectProvider', 'openIDConnectProviderArn'],
    ['ServerCertificate', 'serverCertificateName'],
    ['MFADevice', 'serialNumber virtualMFADeviceName'],
    ['Policy', 'policyArn arn policyName'],
    ['ServiceLinkedRole', 'aWSServiceName'],
  ],
  sts: [['Role', 'roleArn']],
  signin: [['Role', 'roleArn']],
  rds: [
    ['DBClusterSnapshot', 'dBClusterSnapshotIdentifier targetDBClusterSnapshotIdentifier'],
    ['DBSnapshot', 'dBSnapshotIdentifier targetDBSnapshotIdentifier'],
    ['DBInstanceAutomatedBackup', 'dBInstanceAutomatedBackupArn dbiResourceId'],
    ['DBClusterAutomatedBackup', 'dBClusterAutomatedBackupArn dbClusterResourceId'],
    ['DBInstance', 'dBInstanceIdentifier'],
    ['GlobalCluster', 'globalClusterIdentifier'],
    ['DBCluster', 'dBClusterIdentifier'],
    ['DBSecurityGroup', 'dBSecurityGroupName'],
    ['DBParameterGroup', 'dBParameterGroupName'],
    ['DBSubnetGroup', 'dBSubnetGroupName'],
    ['OptionGroup', 'optionGroupName'],
    ['ExportTask', 'exportTaskIdentifier'],
  ],
  lambda: [
    ['Function', 'functionName functionArn'],
    ['LayerVersion', 'layerName layerVersionArn'],
    ['EventSourceMapping', 'uUID'],
  ],
  kms: [
    ['Alias', 'aliasName'],
    ['Key', 'keyId targetKeyId'],
  ],
  ssm: [
    ['Parameter', 'name'],
    ['Document', 'name'],
    ['Instance', 'instanceId instanceIds target'],
    ['MaintenanceWindow', 'windowId'],
    ['Association', 'associationId'],
    ['PatchBaseline', 'baselineId'],
    ['Session', 'sessionId'],
    ['AutomationExecution', 'automationExecutionId'],
    ['Resource', 'resourceId resourceArn'],
    ['SSMDocument', 'documentName'],
  ],
  eks: [
    ['Nodegroup', 'nodegroupName'],
    ['AccessEntry', 'principalArn'],
    ['Addon', 'addonName'],
    ['FargateProfile', 'fargateProfileName'],
    ['PodIdentityAssociation', 'associationId'],
    ['Cluster', 'clusterName name'],
  ],
  cloudtrail: [
    ['EventDataStore', 'eventDataStore eventDataStoreArn'],
    ['Trail', 'name trailName trailARN'],
  ],
  organizations: [
    ['Policy', 'policyId'],
    ['OrganizationalUnit', 'organizationalUnitId'],
    ['Account', 'accountId targetId createAccountRequestId'],
    ['Organization', 'organizationId'],
    ['ServicePrincipal', 'servicePrincipal'],
    ['Handshake', 'handshakeId'],
  ],
  secretsmanager: [['Secret', 'secretId aRN name']],
  s3: [['Bucket', 'bucketName']],
  dynamodb: [['Table', 'tableName']],
  ecr: [['Repository', 'repositoryName']],
  sqs: [['Queue', 'queueUrl queueName']],
  sns: [['Topic', 'topicArn name']],
  logs: [['LogGroup', 'logGroupName']],
  guardduty: [['Detector', 'detectorId']],
  config: [
    ['DeliveryChannel', 'deliveryChannelName'],
    ['ConfigRule', 'configRuleName'],
    ['ConfigurationRecorder', 'configurationRecorderName'],
  ],
  bedrock: [['Guardrail', 'guardrailIdentifier guardrailId']],
  codebuild: [['Project', 'projectArn projectName name']],
  route53: [['HostedZone', 'hostedZoneId']],
  route53resolver: [['ResolverQueryLoggingConfig', 'resolverQueryLogConfigId']],
  securityhub: [['Insight', 'insightArn']],
  wafv2: [['WebACL', 'webACLArn']],
  athena: [['QueryExecution', 'queryExecutionId']],
  es: [['Domain', 'domainName']],
  cloudformation: [['Stack', 'stackName']],
  cloudwatch: [['Alarm', 'alarmName alarmNames']],
  events: [['Rule', 'name rule']],
  ecs: [
    ['Service', 'service'],
    ['TaskDefinition', 'taskDefinition'],
    ['Cluster', 'cluster clusterName'],
  ],
  elasticfilesystem: [['FileSystem', 'fileSystemId']],
  backup: [['BackupVault', 'backupVaultName']],
  redshift: [['Cluster', 'clusterIdentifier']],
  autoscaling: [['AutoScalingGroup', 'autoScalingGroupName']],
  'cognito-idp': [['UserPool', 'userPoolId']],
};

/** The names of services in resource types where they are not just the upper case of the event source. */
const TYPE_NAMES: Record<string, string> = {
  lambda: 'Lambda',
  cloudtrail: 'CloudTrail',
  organizations: 'Organizations',
  secretsmanager: 'SecretsManager',
  dynamodb: 'DynamoDB',
  logs: 'Logs',
  guardduty: 'GuardDuty',
  config: 'Config',
  bedrock: 'Bedrock',
  codebuild: 'CodeBuild',
  route53: 'Route53',
  route53resolver: 'Route53Resolver',
  securityhub: 'SecurityHub',
  athena: 'Athena',
  es: 'Elasticsearch',
  cloudformation: 'CloudFormation',
  cloudwatch: 'CloudWatch',
  events: 'Events',
  elasticfilesystem: 'EFS',
  backup: 'Backup',
  redshift: 'Redshift',
  autoscaling: 'AutoScaling',
  'cognito-idp': 'Cognito',
  wafv2: 'WAFv2',
};
/** Kinds whose type is that of another service or has another name. */
const TYPES: Record<string, string> = {
  'ec2-instance-connect:Instance': 'AWS::EC2::Instance',
  'ssm:Instance': 'AWS::EC2::Instance',
  'ssm:SSMDocument': 'AWS::SSM::Document',
  'sts:Role': 'AWS::IAM::Role',
  'signin:Role': 'AWS::IAM::Role',
};

/** Members whose ids say by their beginnings what they are of. */
const IDS: Record<
  string,
  { member: string; types: readonly (readonly [beginning: RegExp, type: string])[] }
> = {
  // Amazon EC2 user guide, "Resource IDs": the resources that can be tagged.
  ec2: {
    member: 'resourceid',
    types: [
      [/^i-/, 'AWS::EC2::Instance'],
      [/^snap-/, 'AWS::EC2::Snapshot'],
      [/^ami-/, 'AWS::EC2::Image'],
      [/^vol-/, 'AWS::EC2::Volume'],
      [/^sg-/, 'AWS::EC2::SecurityGroup'],
      [/^acl-/, 'AWS::EC2::NetworkAcl'],
      [/^rtb-/, 'AWS::EC2::RouteTable'],
      [/^igw-/, 'AWS::EC2::InternetGateway'],
      [/^nat-/, 'AWS::EC2::NatGateway'],
      [/^pcx-/, 'AWS::EC2::VPCPeeringConnection'],
      [/^vpce-/, 'AWS::EC2::VPCEndpoint'],
      [/^tgw-/, 'AWS::EC2::TransitGateway'],
      [/^fl-/, 'AWS::EC2::FlowLog'],
      [/^lt-/, 'AWS::EC2::LaunchTemplate'],
      [/^key-/, 'AWS::EC2::KeyPair'],
      [/^eipalloc-/, 'AWS::EC2::EIP'],
      [/^eni-/, 'AWS::EC2::NetworkInterface'],
      [/^subnet-/, 'AWS::EC2::Subnet'],
      [/^vpc-/, 'AWS::EC2::VPC'],
    ],
  },
  // AWS Organizations API reference: the patterns of ids.
  organizations: {
    member: 'id',
    types: [
      [/^\d{12}$/, 'AWS::Account'],
      [/^o-/, 'AWS::Organizations::Organization'],
      [/^ou-/, 'AWS::Organizations::OrganizationalUnit'],
      [/^r-/, 'AWS::Organizations::Root'],
      [/^p-/, 'AWS::Organizations::Policy'],
      [/^h-/, 'AWS::Organizations::Handshake'],
      [/^car-/, 'AWS::Organizations::CreateAccountStatus'],
    ],
  },
};

/** Operations whose response, not their request, has the id of the resource, because they create it. */
const CREATES = /^(Create|Run|Copy|Allocate|Import|Register|Restore|StartExportTask|StartQueryExecution)/;
/** Operations of IAM that act on the caller when the request has no user name. */
const OWN_USER =
  /^(CreateAccessKey|ChangePassword|PasswordUpdated|CreateVirtualMFADevice|UpdateAccessKey|DeleteAccessKey)$/;
/** Operations on the account as a whole. */
const WHOLE_ACCOUNT =
  /^(ConsoleLogin|ExternalIdPDirectoryLogin|EnableRegion|DisableRegion|LeaveOrganization|(Enable|Disable)(EbsEncryptionByDefault|SerialConsoleAccess|ImageBlockPublicAccess|SnapshotBlockPublicAccess)|(Modify|Reset)EbsDefaultKmsKeyId|ModifyInstanceMetadataDefaults|UpdateMacieSession|EnableMacie|DisableMacie|(Put|Delete)ModelInvocationLoggingConfiguration|(Update|Delete)AccountPasswordPolicy|(Put|Delete)AccountPublicAccessBlock|(Enable|Disable)SecurityHub|(Create|Delete)AccountAlias)$/;

interface Resource {
  resourceType?: string | undefined;
  resourceId?: string | undefined;
}

/** The resource of a CloudTrail record: the first of its `resources`, or one that its request or response names. */
export function resourceOfCall(record: JsonObject): Resource {
  const listed = firstText(record, ['resources.0.ARN', 'resources.0.resourceName']);
  if (listed !== undefined) {
    const resourceType = firstText(record, ['resources.0.type', 'resources.0.resourceType']);
    return { resourceType, resourceId: listed };
  }
  const name = textAt(record, 'eventName') ?? '';
  const service = (textAt(record, 'eventSource') ?? '').replace(/\.amazonaws\.com(\.cn)?$/, '');
  const request = objectOf(valueAt(record, 'requestParameters'));
  const bucket = textAt(request, 'bucketName');
  if (bucket !== undefined) return bucketOrObject(bucket, textAt(request, 'key'));
  const answer = objectOf(valueAt(record, 'responseElements'));
  const sources = CREATES.test(name) ? [answer, request] : [request, answer];
  return (
    kindIn(sources, service, name) ??
    idIn(sources, service) ??
    arnIn(sources) ??
    ownResource(record, name) ?? { resourceId: undefined }
  );
}

/** Parses a request that is a string of JSON. */
function objectOf(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return value;
  try {
    return parseExactly(value).value;
  } catch {
    return value;
  }
}

function kindIn(
  sources: readonly (JsonValue | undefined)[],
  service: string,
  call: string,
): Resource | undefined {
  const kinds = KINDS[service] ?? [];
  // One pass over the members of each source; the kinds then look up their names.
  const members = sources.map(textsIn);
  for (const [kind, names] of ranked(kinds, call)) {
    if (service === 'ssm' && (kind === 'Parameter' || kind === 'Document') && !call.includes(kind)) continue;
    for (const found of members) {
      const name = names.split(' ').find((member) => found.has(member.toLowerCase()));
      if (name === undefined) continue;
      const resourceType =
        TYPES[`${service}:${kind}`] ?? `AWS::${TYPE_NAMES[service] ?? service.toUpperCase()}::${kind}`;
      return { resourceType, resourceId: found.get(name.toLowerCase()) };
    }
  }
  return undefined;
}

/** The resource of an id whose prefix identifies its type. */
function idIn(sources: readonly (JsonValue | undefined)[], service: string): Resource | undefined {
  const ids = IDS[service];
  if (ids === undefined) return undefined;
  for (const source of sources) {
    const resourceId = textsIn(source).get(ids.member);
    const [, resourceType] = ids.types.find(([beginning]) => beginning.test(resourceId ?? '')) ?? [];
    if (resourceType !== undefined) return { resourceType, resourceId };
  }
  return undefined;
}

type Kinds = readonly (readonly [kind: string, members: string])[];

function ranked(kinds: Kinds, call: string): Kinds {
  const lower = call.toLowerCase();
  const placeOf = (kind: string) => {
    const place = lower.indexOf(kind.toLowerCase());
    return place < 0 ? Number.POSITIVE_INFINITY : place;
  };
  return kinds
    .map((entry, index) => ({ entry, index, place: placeOf(entry[0]) }))
    .sort((one, other) => {
      if (one.place !== other.place) return one.place - other.place;
      const named = one.place !== Number.POSITIVE_INFINITY;
      return named ? other.entry[0].length - one.entry[0].length : one.index - other.index;
    })
    .map(({ entry }) => entry);
}

/** The most members of a request or response that are examined. Of an array, only the first element is. */
const MAX_MEMBERS = 2_000;

/** The strings in a value by the lower-case name of their member; of several with one name, the outermost. */
function textsIn(value: JsonValue | undefined): Map<string, string> {
  const found = new Map<string, string>();
  const open: [name: string, value: JsonValue | undefined][] = [['', value]];
  for (let next = 0; next < open.length && next < MAX_MEMBERS; next += 1) {
    const [name, inner] = open[next] as [string, JsonValue | undefined];
    if (Array.isArray(inner)) open.push([name, inner[0]]);
    else if (isObject(inner)) {
      // Newer EC2 operations mirror XML: `{"content": "fl-1", "tag": 1}`.
      if (typeof inner.content === 'string') open.push([name, inner.content]);
      for (const [member, child] of Object.entries(inner)) open.push([member.toLowerCase(), child]);
    } else if (typeof inner === 'string' && inner !== '' && !found.has(name)) found.set(name, inner);
  }
  return found;
}

const ARN = /^arn:[\w-]+:([\w-]+):[^:]*:[^:]*:([\w-]+)[/:]/;

/** The resource that an ARN or the URL of a queue names. */
function arnIn(sources: readonly (JsonValue | undefined)[]): Resource | undefined {
  for (const source of sources) {
    const arn = firstText(source, ['resourceArn', 'resourceARN', 'arn', 'sourceArn', 'queueUrl', 'topicArn']);
    if (arn?.startsWith('https://sqs.')) return { resourceType: 'AWS::SQS::Queue', resourceId: arn };
    const [, service, kind] = ARN.exec(arn ?? '') ?? [];
    if (service !== undefined) return { resourceType: `AWS::${service}::${kind}`, resourceId: arn };
  }
  return undefined;
}

function ownResource(record: JsonObject, name: string): Resource | undefined {
  const user = textAt(record, 'userIdentity.userName');
  if (OWN_USER.test(name) && user !== undefined) return { resourceType: 'AWS::IAM::User', resourceId: user };
  const account = firstText(record, ['recipientAccountId', 'userIdentity.accountId']);
  if (!WHOLE_ACCOUNT.test(name) || account === undefined) return undefined;
  return { resourceType: 'AWS::Account', resourceId: account };
}

function bucketOrObject(bucket: string, key: string | undefined): Resource {
  return key === undefined
    ? { resourceType: 'AWS::S3::Bucket', resourceId: bucket }
    : { resourceType: 'AWS::S3::Object', resourceId: `${bucket}/${key}` };
}
