import { buildSchema, execute, type GraphQLResolveInfo, parse } from 'graphql';
import { expect, test } from 'vitest';
import { eventFieldsAsked } from '../../src/schema/event.ts';

const schema = buildSchema(`
  type Query { auditEvents: Connection }
  type Connection { nodes: [AuditEvent] totalCount: Int }
  type AuditEvent { id: ID eventType: String action: String proofBundle: String }
`);

/** What `eventFieldsAsked` gives to the resolver of `auditEvents` in each execution of a document. */
function askedIn(text: string, ...executions: Record<string, unknown>[]) {
  const document = parse(text);
  return executions.map((variableValues) => {
    const asked: (ReadonlySet<string> | undefined)[] = [];
    const auditEvents = (_args: unknown, _context: unknown, info: GraphQLResolveInfo) => {
      asked.push(eventFieldsAsked(info));
      return null;
    };
    execute({ schema, document, variableValues, rootValue: { auditEvents } });
    return asked[0];
  });
}

test('the fields of a document are found once, however often it is executed', () => {
  const [first, second] = askedIn('{ auditEvents { nodes { id action } totalCount } }', {}, {});
  expect(first).toEqual(new Set(['id', 'action']));
  expect(second).toBe(first);
});

test('the fields are those of fragments too, and all for what is computed from the whole event', () => {
  const text = (field: string) => `{ auditEvents { ...page } }
    fragment page on Connection { nodes { ... on AuditEvent { ${field} } } }`;
  expect(askedIn(text('eventType'), {})).toEqual([new Set(['eventType'])]);
  expect(askedIn(text('proofBundle'), {}, {})).toEqual([undefined, undefined]);
});

test('a field that is written twice has the fields of the parts that are executed', () => {
  const text = `query ($more: Boolean!) {
    auditEvents { nodes { id } }
    auditEvents @include(if: $more) { nodes { action } }
  }`;
  const [few, more, fewAgain] = askedIn(text, { more: false }, { more: true }, { more: false });
  expect([few, more, fewAgain]).toEqual([new Set(['id']), new Set(['id', 'action']), new Set(['id'])]);
});
