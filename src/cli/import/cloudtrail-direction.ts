import type { JsonObject, JsonValue } from '../../events/event.ts';
import type { MeaningName } from './meanings.ts';
import { at, isObject } from './record.ts';

/** A call whose request says in which direction it goes. */
interface Direction {
  /** The operations, without their service. */
  calls: RegExp;
  /** Paths in `requestParameters`; the first that `holds` decides: what opens or weakens comes first. */
  signs: readonly { path: string; holds: (value: JsonValue | undefined) => boolean; meaning: MeaningName }[];
}

const present = (value: JsonValue | undefined) =>
  value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
const isFalse = (value: JsonValue | undefined) => value === false || value === 'false';
const isTrue = (value: JsonValue | undefined) => value === true || value === 'true';
const is = (text: string) => (value: JsonValue | undefined) => value === text;
const hasNoTarget = (value: JsonValue | undefined) =>
  isObject(value) && !Object.keys(value).some((name) => name.toLowerCase() === 'loggingenabled');
const hasFalse = (value: JsonValue | undefined) => isObject(value) && Object.values(value).some(isFalse);

const DIRECTIONS: readonly Direction[] = [
  {
    calls: /^Modify(Snapshot|Image)Attribute$/,
    signs: [
      { path: 'createVolumePermission.add', holds: present, meaning: 'granted' },
      { path: 'launchPermission.add', holds: present, meaning: 'granted' },
      { path: 'createVolumePermission.remove', holds: present, meaning: 'revoked' },
      { path: 'launchPermission.remove', holds: present, meaning: 'revoked' },
    ],
  },
  {
    calls: /^ModifyDB(Cluster)?SnapshotAttribute$/,
    signs: [
      { path: 'valuesToAdd', holds: present, meaning: 'granted' },
      { path: 'valuesToRemove', holds: present, meaning: 'revoked' },
    ],
  },
  {
    calls: /^ModifyDocumentPermission$/,
    signs: [
      { path: 'accountIdsToAdd', holds: present, meaning: 'granted' },
      { path: 'accountIdsToRemove', holds: present, meaning: 'revoked' },
    ],
  },
  {
    calls: /^Put(Bucket|Account|AccessPoint)?PublicAccessBlock$/,
    signs: [{ path: 'PublicAccessBlockConfiguration', holds: hasFalse, meaning: 'protection-off' }],
  },
  {
    calls: /^PutBucketVersioning$/,
    signs: [
      { path: 'VersioningConfiguration.Status', holds: is('Suspended'), meaning: 'protection-off' },
      { path: 'VersioningConfiguration.MfaDelete', holds: is('Disabled'), meaning: 'protection-off' },
    ],
  },
  {
    calls: /^PutBucketLogging$/,
    signs: [{ path: 'BucketLoggingStatus', holds: hasNoTarget, meaning: 'logging-off' }],
  },
  { calls: /^UpdateDetector$/, signs: [{ path: 'enable', holds: isFalse, meaning: 'logging-off' }] },
  { calls: /^UpdateMacieSession$/, signs: [{ path: 'status', holds: is('PAUSED'), meaning: 'logging-off' }] },
  {
    calls: /^UpdateAccessKey$/,
    signs: [
      { path: 'status', holds: is('Active'), meaning: 'credential-created' },
      { path: 'status', holds: is('Inactive'), meaning: 'credential-removed' },
    ],
  },
  {
    calls: /^ModifyDBInstance$/,
    signs: [
      { path: 'publiclyAccessible', holds: isTrue, meaning: 'access-widened' },
      { path: 'deletionProtection', holds: isFalse, meaning: 'protection-off' },
      { path: 'publiclyAccessible', holds: isFalse, meaning: 'access-narrowed' },
    ],
  },
  {
    calls: /^ModifyDBCluster$/,
    signs: [{ path: 'deletionProtection', holds: isFalse, meaning: 'protection-off' }],
  },
  {
    calls: /^UpdateProjectVisibility$/,
    signs: [{ path: 'projectVisibility', holds: is('PRIVATE'), meaning: 'revoked' }],
  },
];

/** What the request of a call says that it means, for the calls that go in either direction; otherwise undefined. */
export function directionOfCall(name: string, record: JsonObject): MeaningName | undefined {
  const request = at(record, 'requestParameters');
  const direction = DIRECTIONS.find(({ calls }) => calls.test(name));
  return direction?.signs.find(({ path, holds }) => holds(at(request, path)))?.meaning;
}
