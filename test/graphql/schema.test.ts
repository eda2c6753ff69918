import { lexicographicSortSchema, printSchema } from 'graphql';
import { expect, test } from 'vitest';
import { createCatalog } from '../../src/events/catalog.ts';
import { createSchema } from '../../src/graphql/schema.ts';

// After a change of the API: `npx vitest run test/graphql -u`, and look at the difference.
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
