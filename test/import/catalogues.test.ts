import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/events/fields.ts';
import { mapCloudtrail } from '../../src/import/cloudtrail.ts';
import { CLOUDTRAIL_CALLS } from '../../src/import/cloudtrail-calls.ts';
import type { MappedRecord } from '../../src/import/event-input.ts';
import { mapGithub } from '../../src/import/github.ts';
import { GITHUB_ACTIONS } from '../../src/import/github-actions.ts';
import {
  type Catalogue,
  createCatalogue,
  eventKindOf,
  MEANINGS,
  type MeaningName,
} from '../../src/import/meanings.ts';
import { mapOkta } from '../../src/import/okta.ts';
import { OKTA_TYPES } from '../../src/import/okta-event-types.ts';

/** Every published name with the meaning that its description gives it, from the file of that source. */
function published(file: string): Map<string, string> {
  const text = readFileSync(new URL(`catalogues/${file}.tsv`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => line.split('\t') as [string, string]));
}

const SOURCES: [string, Catalogue, Map<string, string>][] = [
  ['okta', OKTA_TYPES, published('okta')],
  ['github', GITHUB_ACTIONS, published('github')],
  ['cloudtrail', CLOUDTRAIL_CALLS, published('cloudtrail')],
];
/** No meaning of its own: the record says whether it is a read or a change. */
const BY_RECORD = 'by-record';

/** Words that make a name the opposite of another one. */
const ANTONYMS: [string, string][] = [
  ['enable', 'disable'],
  ['enabled', 'disabled'],
  ['Enable', 'Disable'],
  ['activate', 'deactivate'],
  ['grant', 'revoke'],
  ['granted', 'revoked'],
  ['add', 'remove'],
  ['added', 'removed'],
  ['add', 'delete'],
  ['Add', 'Remove'],
  ['create', 'delete'],
  ['create', 'destroy'],
  ['created', 'deleted'],
  ['Create', 'Delete'],
  ['Put', 'Delete'],
  ['Attach', 'Detach'],
  ['Authorize', 'Revoke'],
  ['Authorize', 'Deauthorize'],
  ['Associate', 'Disassociate'],
  ['Start', 'Stop'],
  ['assign', 'unassign'],
  ['assign', 'revoke'],
  ['register', 'remove'],
  ['suspend', 'unsuspend'],
  ['promote', 'demote'],
  ['approve', 'deny'],
  ['request', 'approve'],
  ['request', 'deny'],
  ['create', 'approve'],
  ['requested', 'approved'],
  ['requested', 'denied'],
  ['request_created', 'access_granted'],
  ['allowed', 'revoked'],
  ['success', 'failure'],
  ['used', 'failed'],
  ['login', 'logout'],
  ['start', 'end'],
  ['make', 'remove'],
  ['public', 'private'],
];
/** Pairs of words that are opposites by their form and not by what is published of them. */
const NOT_OPPOSITE =
  /^(app\.oauth2|app\.ad\.password_migration|pam\.(credential_verification|service_account\.password_rotation|resource\.checkin)|issue_dependencies|sub_issues|sandbox|organization_domain|pages_protected_domain|enterprise_domain|user\.(add|remove)_email|repo\.(add|remove)_topic|business\.(add|remove)_organization|billing\.|members_can_create_p|app\.office365\.api\.error)/;
/** Settings without an effect on access: their two directions differ in the meaning that the event states. */
const NEUTRAL = new Set([
  'setting-on',
  'setting-off',
  'updated',
  'imported',
  'setting-changed',
  'finding-updated',
  'finding-closed',
]);

function opposites(names: ReadonlyMap<string, string>): [string, string][] {
  const pairs: [string, string][] = [];
  for (const name of names.keys()) {
    for (const [word, antonym] of ANTONYMS) {
      const other = name.replace(new RegExp(`(?<![a-z])${word}(?![a-z])`), antonym);
      if (other !== name && names.has(other) && !NOT_OPPOSITE.test(name)) pairs.push([name, other]);
    }
  }
  return pairs;
}

describe.each(SOURCES)('the catalogue of %s', (_, catalogue, names) => {
  const meaningOf = (name: string) => catalogue.find(name)?.meaning;

  it('gives every published name the meaning that its description gives it', () => {
    const wrong = [...names].filter(
      ([name, meaning]) => meaning !== BY_RECORD && meaningOf(name) !== meaning,
    );
    expect(wrong.map(([name, meaning]) => `${name} is ${meaning}, not ${meaningOf(name)}`)).toEqual([]);
  });

  it('has no entry that never decides, because another one is always more particular', () => {
    const deciding = new Set([...names.keys()].map((name) => catalogue.find(name)?.pattern));
    const verbs = new Set([
      'read',
      'created',
      'updated',
      'deleted',
      'exported',
      'imported',
      'setting-changed',
    ]);
    const hidden = catalogue.entries.filter(
      ({ pattern, meaning }) => !deciding.has(pattern) && !(names === SOURCES[2]?.[2] && verbs.has(meaning)),
    );
    expect(hidden.map(({ pattern }) => pattern)).toEqual([]);
  });

  it('lists each name and each rule once, and rules apart from names', () => {
    const patterns = catalogue.entries.map(({ pattern }) => pattern);
    expect(patterns.filter((pattern, index) => patterns.indexOf(pattern) !== index)).toEqual([]);
    for (const { by, pattern } of catalogue.entries) expect(pattern.includes('*')).toBe(by === 'rule');
  });

  it('never gives opposites one result', () => {
    const pairs = opposites(names);
    expect(pairs.length).toBeGreaterThan(50);
    const shared = pairs.filter(([one, other]) => {
      const meanings = [one, other].map((name) => meaningOf(name));
      if (meanings.some((meaning) => meaning === undefined)) return false;
      const [first, second] = meanings as [MeaningName, MeaningName];
      if (first === second) return !NEUTRAL.has(first) || first.startsWith('setting-o');
      const results = [first, second].map((meaning) => JSON.stringify(eventKindOf(meaning, 'SUCCESS')));
      return results[0] === results[1] && !(NEUTRAL.has(first) && NEUTRAL.has(second));
    });
    expect(shared.map((pair) => `${pair.join(' and ')}: ${pair.map(meaningOf).join(', ')}`)).toEqual([]);
  });
});

describe('a catalogue', () => {
  it('decides by what is most particular, whatever the order of its table', () => {
    const table = {
      deleted: { rules: '*.delete' },
      revoked: { rules: 'role.*.delete' },
      granted: { names: 'role.limit.delete' },
      created: { rules: '*.create', names: 'x' },
    };
    const names = ['a.delete', 'role.b.delete', 'role.limit.delete', 'role.x.create', 'x', 'y'];
    const expected = ['deleted', 'revoked', 'granted', 'created', 'created', undefined];
    fc.assert(
      fc.property(fc.shuffledSubarray(Object.entries(table), { minLength: 4 }), (entries) => {
        const catalogue = createCatalogue(Object.fromEntries(entries));
        expect(names.map((name) => catalogue.find(name)?.meaning)).toEqual(expected);
      }),
    );
  });

  it('decides nothing when two equally particular rules disagree, and for names without end', () => {
    const catalogue = createCatalogue({ granted: { rules: 'ab*' }, revoked: { rules: '*cd' } });
    expect(catalogue.find('ab-cd')).toBeUndefined();
    expect(catalogue.find('ab-')?.meaning).toBe('granted');
    expect(catalogue.find(`ab${'x'.repeat(1_000_000)}`)).toBeUndefined();
  });
});

describe('meanings', () => {
  const OPPOSITES: [MeaningName, MeaningName][] = [
    ['login', 'login-failed'],
    ['login', 'login-refused'],
    ['login', 'logout'],
    ['session-started', 'session-revoked'],
    ['session-requested', 'session-started'],
    ['factor-added', 'factor-removed'],
    ['factor-verified', 'login-refused'],
    ['challenge-sent', 'factor-verified'],
    ['challenge-sent', 'login'],
    ['password-reset-requested', 'password-reset'],
    ['granted', 'revoked'],
    ['role-assigned', 'role-revoked'],
    ['role-changed', 'role-revoked'],
    ['access-widened', 'access-narrowed'],
    ['access-allowed', 'access-denied'],
    ['access-requested', 'request-approved'],
    ['access-requested', 'granted'],
    ['request-approved', 'request-refused'],
    ['account-suspended', 'account-restored'],
    ['credential-created', 'credential-removed'],
    ['protection-on', 'protection-off'],
    ['protection-on', 'guard-off'],
    ['logging-on', 'logging-off'],
    ['policy-added', 'policy-removed'],
    ['ip-allowed', 'ip-disallowed'],
    ['threat-detected', 'finding-closed'],
    ['finding-dismissed', 'finding-reopened'],
    ['started', 'stopped'],
    ['created', 'deleted'],
  ];
  it.each(OPPOSITES)('%s and %s differ in type, outcome or severity', (one, other) => {
    expect(eventKindOf(one, 'SUCCESS')).not.toEqual(eventKindOf(other, 'SUCCESS'));
  });

  it('have WARNING when access grows or protection goes, and INFO when it is the other way round', () => {
    const grows = [
      'granted',
      'role-assigned',
      'access-widened',
      'protection-off',
      'account-restored',
    ] as const;
    const shrinks = [
      'revoked',
      'role-revoked',
      'access-narrowed',
      'protection-on',
      'account-suspended',
    ] as const;
    for (const meaning of grows) expect(MEANINGS[meaning].severity).toBe('WARNING');
    for (const meaning of shrinks) expect(MEANINGS[meaning].severity).toBe('INFO');
  });

  it('have WARNING at most when nothing was changed', () => {
    expect(eventKindOf('logging-off', 'SUCCESS').severity).toBe('ERROR');
    expect(eventKindOf('logging-off', 'DENIED').severity).toBe('WARNING');
    expect(eventKindOf('guard-off', 'FAILURE').severity).toBe('WARNING');
    expect(eventKindOf('created', 'DENIED').severity).toBe('WARNING');
  });

  it('do not turn a refused grant into a grant', () => {
    expect(eventKindOf('granted', 'DENIED').eventType).toBe('AUTHZ_PERMISSION_DENIED');
    expect(eventKindOf('role-assigned', 'DENIED').eventType).toBe('AUTHZ_PERMISSION_DENIED');
    expect(eventKindOf('login', 'FAILURE')).toEqual({
      eventType: 'AUTH_LOGIN_FAILED',
      outcome: 'FAILURE',
      severity: 'WARNING',
    });
  });
});

describe('what no rule knows', () => {
  const kind = (mapped: MappedRecord) => ('unmapped' in mapped ? mapped.unmapped : mapped.input.eventType);
  const CASES: [(record: JsonObject) => MappedRecord, JsonObject, string][] = [
    [mapCloudtrail, { eventName: 'Frobnicate', eventSource: 'x.amazonaws.com', readOnly: true }, 'DATA_READ'],
    [
      mapCloudtrail,
      { eventName: 'Frobnicate', eventSource: 'x.amazonaws.com', readOnly: false },
      'DATA_UPDATE',
    ],
    [mapCloudtrail, { eventName: 'GetThenChange', readOnly: 'false' }, 'DATA_UPDATE'],
    [
      mapCloudtrail,
      { eventName: 'Frobnicate', eventSource: 'x.amazonaws.com' },
      'no meaning is known for the call x:Frobnicate, and the record has no readOnly',
    ],
    [mapGithub, { action: 'frob.nicate', operation_type: 'access' }, 'DATA_READ'],
    [mapGithub, { action: 'frob.nicate', operation_type: 'modify' }, 'DATA_UPDATE'],
    [mapGithub, { action: 'frob.nicate' }, 'no meaning is known for the action frob.nicate'],
    [mapOkta, { eventType: 'frob.nicate' }, 'no meaning is known for the event type frob.nicate'],
  ];
  it.each(CASES)('%o of %o is %s', (map, record, expected) => expect(kind(map(record))).toBe(expected));
});

describe('calls that go in either direction', () => {
  const meaning = (eventName: string, requestParameters: JsonObject) => {
    const mapped = mapCloudtrail({ eventName, eventSource: 'any.amazonaws.com', requestParameters });
    return 'unmapped' in mapped ? undefined : mapped.input.details?.meaning;
  };
  it.each([
    ['ModifySnapshotAttribute', { createVolumePermission: { add: { items: [{}] } } }, 'granted'],
    ['ModifySnapshotAttribute', { createVolumePermission: { remove: { items: [{}] } } }, 'revoked'],
    ['ModifyImageAttribute', { launchPermission: { add: { items: [{}] } } }, 'granted'],
    ['ModifyDBSnapshotAttribute', { valuesToAdd: ['all'] }, 'granted'],
    ['ModifyDBSnapshotAttribute', { valuesToAdd: [], valuesToRemove: ['all'] }, 'revoked'],
    [
      'PutBucketPublicAccessBlock',
      { PublicAccessBlockConfiguration: { BlockPublicAcls: false } },
      'protection-off',
    ],
    [
      'PutBucketPublicAccessBlock',
      { PublicAccessBlockConfiguration: { BlockPublicAcls: true } },
      'protection-on',
    ],
    ['PutBucketVersioning', { VersioningConfiguration: { Status: 'Suspended' } }, 'protection-off'],
    ['PutBucketVersioning', { VersioningConfiguration: { Status: 'Enabled' } }, 'protection-on'],
    ['PutBucketLogging', { BucketLoggingStatus: { xmlns: 'x' } }, 'logging-off'],
    ['PutBucketLogging', { BucketLoggingStatus: { LoggingEnabled: {} } }, 'logging-on'],
    ['ModifyDBInstance', { deletionProtection: false, publiclyAccessible: false }, 'protection-off'],
    ['ModifyDBInstance', { deletionProtection: false, publiclyAccessible: true }, 'access-widened'],
    ['UpdateAccessKey', { status: 'Active' }, 'credential-created'],
    ['UpdateAccessKey', { status: 'Inactive' }, 'credential-removed'],
  ] as [string, JsonObject, string][])('%s with %o is %s', (name, request, expected) => {
    expect(meaning(name, request)).toBe(expected);
  });

  it('are told by their roles for GitHub', () => {
    const change = (old_permission: string, permission: string) => {
      const mapped = mapGithub({ action: 'org.update_member', old_permission, permission });
      return 'unmapped' in mapped ? undefined : mapped.input.eventType;
    };
    expect(change('read', 'admin')).toBe('AUTHZ_ROLE_ASSIGNED');
    expect(change('admin', 'read')).toBe('AUTHZ_ROLE_REVOKED');
  });
});
