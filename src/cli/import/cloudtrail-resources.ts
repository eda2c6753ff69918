import type { JsonObject } from './input.ts';
import { at, firstText, textAt } from './record.ts';

/** What a request parameter names, in the order in which they are looked at: the most particular first. */
const PARAMETERS: readonly (readonly [parameter: string, type: string])[] = [
  ['instanceId', 'AWS::EC2::Instance'],
  ['instancesSet.items.0.instanceId', 'AWS::EC2::Instance'],
  ['imageId', 'AWS::EC2::Image'],
  ['snapshotId', 'AWS::EC2::Snapshot'],
  ['groupId', 'AWS::EC2::SecurityGroup'],
  ['networkAclId', 'AWS::EC2::NetworkAcl'],
  ['routeTableId', 'AWS::EC2::RouteTable'],
  ['internetGatewayId', 'AWS::EC2::InternetGateway'],
  ['vpcId', 'AWS::EC2::VPC'],
  ['dBSnapshotIdentifier', 'AWS::RDS::DBSnapshot'],
  ['dBClusterSnapshotIdentifier', 'AWS::RDS::DBClusterSnapshot'],
  ['dBInstanceIdentifier', 'AWS::RDS::DBInstance'],
  ['dBClusterIdentifier', 'AWS::RDS::DBCluster'],
  ['dBSecurityGroupName', 'AWS::RDS::DBSecurityGroup'],
  ['functionName', 'AWS::Lambda::Function'],
  ['repositoryName', 'AWS::ECR::Repository'],
  ['secretId', 'AWS::SecretsManager::Secret'],
  ['keyId', 'AWS::KMS::Key'],
  ['tableName', 'AWS::DynamoDB::Table'],
  ['queueUrl', 'AWS::SQS::Queue'],
  ['detectorId', 'AWS::GuardDuty::Detector'],
  ['deliveryChannelName', 'AWS::Config::DeliveryChannel'],
  ['trailName', 'AWS::CloudTrail::Trail'],
  ['roleName', 'AWS::IAM::Role'],
  ['roleArn', 'AWS::IAM::Role'],
  ['userName', 'AWS::IAM::User'],
  ['groupName', 'AWS::IAM::Group'],
  ['policyArn', 'AWS::IAM::Policy'],
];

/** The resource of a CloudTrail record: the first of its `resources`, else what its request parameters name. */
export function resourceOfCall(record: JsonObject): {
  resourceType?: string | undefined;
  resourceId?: string | undefined;
} {
  const listed = firstText(record, ['resources.0.ARN', 'resources.0.resourceName']);
  if (listed !== undefined) {
    return {
      resourceType: firstText(record, ['resources.0.type', 'resources.0.resourceType']),
      resourceId: listed,
    };
  }
  const request = at(record, 'requestParameters');
  const bucket = textAt(request, 'bucketName');
  if (bucket !== undefined) return bucketOrObject(bucket, textAt(request, 'key'));
  if (textAt(record, 'eventSource') === 'cloudtrail.amazonaws.com') {
    const trail = textAt(request, 'name');
    if (trail !== undefined) return { resourceType: 'AWS::CloudTrail::Trail', resourceId: trail };
  }
  for (const [parameter, resourceType] of PARAMETERS) {
    const resourceId = textAt(request, parameter);
    if (resourceId !== undefined) return { resourceType, resourceId };
  }
  return {};
}

function bucketOrObject(bucket: string, key: string | undefined) {
  return key === undefined
    ? { resourceType: 'AWS::S3::Bucket', resourceId: bucket }
    : { resourceType: 'AWS::S3::Object', resourceId: `${bucket}/${key}` };
}
