import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { expect, test } from 'vitest';
import { createCatalog } from '../../src/events/catalog.ts';
import { createSchema } from '../../src/schema/schema.ts';

// After a change of the API: `npx vitest run test/schema/schema.test.ts -u`, and look at the difference.
test('the committed schema is the one that is served', async () => {
  const schema = createSchema(createCatalog([]));
  await expect(`${printSchema(lexicographicSortSchema(schema))}\n`).toMatchFileSnapshot(
    '../../schema.graphql',
  );
});

test('the types of a deployment are added to the enum', () => {
  const schema = createSchema(createCatalog(['billing.invoice_paid']));
  expect(printSchema(schema)).toContain('BILLING_INVOICE_PAID');
});

test('everything in the schema has a description, and each scalar a specification', () => {
  const schema = createSchema(createCatalog(['billing.invoice_paid']));
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  expect(types.length).toBeGreaterThan(30);
  expect(types.flatMap(withoutDescription)).toEqual([]);
  expect(types.filter((type) => isScalarType(type) && !type.specifiedByURL)).toEqual([]);
});

interface Described {
  name: string;
  description?: string | null | undefined;
}

function withoutDescription(type: GraphQLNamedType): string[] {
  const described: [string, Described][] = [[type.name, type]];
  if (isEnumType(type)) {
    for (const value of type.getValues()) described.push([`${type.name}.${value.name}`, value]);
  }
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      described.push([`${type.name}.${field.name}`, field]);
      if ('args' in field)
        for (const arg of field.args) described.push([`${type.name}.${field.name}(${arg.name})`, arg]);
    }
  }
  return described.filter(([, { description }]) => !description?.trim()).map(([path]) => path);
}
