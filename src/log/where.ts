import { type AddressBlock, holdsMapped, MAPPED_BLOCK, storedBlocks } from '../events/address.ts';
import { severitiesFrom } from '../events/catalog.ts';
import { EQUAL_FIELDS, type EventFilter, OBJECT_FIELDS } from '../events/filter.ts';
import { needleOf, type SearchCondition } from '../events/search.ts';
import { TEXT_START } from '../events/words.ts';

/** A condition in SQL with numbered parameters. */
export interface Where {
  sql: string;
  parameters: unknown[];
}

const COLUMNS: Record<(typeof EQUAL_FIELDS)[number], string> = {
  userId: 'user_id',
  customerId: 'customer_id',
  sessionId: 'session_id',
  requestId: 'request_id',
  resourceType: 'resource_type',
  resourceId: 'resource_id',
  action: 'action',
};

const OBJECT_COLUMNS: Record<(typeof OBJECT_FIELDS)[number], string> = {
  details: 'details',
  oldValues: 'old_values',
  newValues: 'new_values',
};

/**
 * The SQL of a filter, whose parameters come behind those given; agrees with `matches` of `events/filter.ts` on every
 * event.
 */
export function whereOf(filters: readonly EventFilter[], parameters: unknown[] = []): Where {
  const where: Where = { sql: 'true', parameters };
  for (const filter of filters) addFilter(where, filter);
  return where;
}

/** Adds `AND condition`, in which `?` stands for the parameter. */
export function addCondition(where: Where, condition: string, parameter: unknown): void {
  where.parameters.push(parameter);
  where.sql += ` AND ${condition.replace('?', `$${where.parameters.length}`)}`;
}

function addFilter(where: Where, filter: EventFilter): void {
  const add = (condition: string, parameter: unknown) => {
    if (parameter !== undefined) addCondition(where, condition, parameter);
  };
  add('event_type = ANY(?::text[])', filter.eventTypes);
  add("split_part(event_type, '.', 1) = ANY(?::text[])", filter.categories);
  add('outcome = ANY(?::text[])', filter.outcomes);
  add('severity = ANY(?::text[])', filter.severities);
  add('severity = ANY(?::text[])', filter.minSeverity && severitiesFrom(filter.minSeverity));
  for (const field of EQUAL_FIELDS) add(`${COLUMNS[field]} = ?`, filter[field]);
  if (filter.ipBlock) addBlock(where, filter.ipBlock);
  add(
    '"timestamp" >= ?::timestamptz',
    filter.startTime !== undefined ? new Date(filter.startTime) : undefined,
  );
  add('"timestamp" <= ?::timestamptz', filter.endTime !== undefined ? new Date(filter.endTime) : undefined);
  if (filter.search) addSearch(where, filter.search);
  for (const field of OBJECT_FIELDS)
    add(`${OBJECT_COLUMNS[field]} @> ?::jsonb`, filter[field] && JSON.stringify(filter[field]));
}

// A phrase is looked for in the words of an event in their order: those that the index finds are looked through.
const SEARCH_TEXT = "' ' || array_to_string(search_words, ' ') || ' '";
/** Whether a version before migration 0060 made the words: distinct ones, in no order that means anything. */
export const IS_FORMER = `search_words[1] IS DISTINCT FROM '${TEXT_START}'`;

function addSearch(where: Where, search: SearchCondition): void {
  where.sql += ` AND ${searchSql(where, search)}`;
  for (const excluded of search.excluded ?? []) where.sql += ` AND NOT (${searchSql(where, excluded)})`;
}

function searchSql(where: Where, { words, phrases = [], formerWords }: SearchCondition): string {
  const add = (value: readonly string[]) => `$${where.parameters.push(value)}::text[]`;
  const hasWords = `search_words @> ${add(words)}`;
  // No word has a character that means something to LIKE.
  const patterns = phrases.map((phrase) => `%${needleOf(phrase)}%`);
  const hasPhrases = patterns.length === 0 ? 'true' : `${SEARCH_TEXT} LIKE ALL (${add(patterns)})`;
  if (formerWords === undefined)
    return patterns.length > 0 ? `${hasWords} AND (${IS_FORMER} OR ${hasPhrases})` : hasWords;
  const isFound = `${hasWords} AND NOT ${IS_FORMER} AND ${hasPhrases}`;
  return formerWords.length === 0
    ? isFound
    : `(${isFound} OR search_words @> ${add(formerWords)} AND ${IS_FORMER})`;
}

// Of each alternative the index of addresses knows where it begins and ends.
function addBlock(where: Where, block: AddressBlock): void {
  const alternatives = storedBlocks(block).map(
    (stored) => `ip_address <<= $${where.parameters.push(stored)}::inet`,
  );
  where.sql += ` AND (${alternatives.join(' OR ')})`;
  if (holdsMapped(block)) where.sql += ` AND NOT ip_address <<= '${MAPPED_BLOCK}'`;
}
