import { Prisma } from '../../db/generated/client.ts';
import { type AddressBlock, holdsMapped, MAPPED_BLOCK, storedBlocks } from '../../events/address.ts';
import { severitiesFrom } from '../../events/catalog.ts';
import { columnOf, EQUALITY_FIELDS, mapFields, OBJECT_FIELDS } from '../../events/fields.ts';
import type { EventFilter } from '../../events/filter.ts';
import { needleOf, type SearchCondition, TEXT_START } from '../../events/search.ts';

const { sql } = Prisma;

/** The SQL condition of the filters together. It agrees with `matches` of `events/filter.ts` on every event. */
export function whereOf(filters: readonly EventFilter[]): Prisma.Sql {
  return allOf(filters.flatMap(conditionsOf));
}

/** The conjunction of conditions. `true` without any. */
export function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? sql`true` : Prisma.join([...conditions], ' AND ');
}

/** A time as SQL text. Infinite outside the years with four digits, which are those that an event can have. */
export function sqlTime(time: number): string {
  if (time < BEFORE_ALL) return '-infinity';
  return time > AFTER_ALL ? 'infinity' : new Date(time).toISOString();
}

const BEFORE_ALL = Date.parse('0001-01-01T00:00:00Z');
const AFTER_ALL = Date.parse('9999-12-31T23:59:59.999Z');

function conditionsOf(filter: EventFilter): Prisma.Sql[] {
  const conditions: Prisma.Sql[] = [];
  const add = <Value>(value: Value | undefined, condition: (value: Value) => Prisma.Sql) => {
    if (value !== undefined) conditions.push(condition(value));
  };
  add(filter.eventTypes, (types) => sql`event_type = ANY(${types}::text[])`);
  add(filter.categories, (categories) => sql`split_part(event_type, '.', 1) = ANY(${categories}::text[])`);
  add(filter.outcomes, (outcomes) => sql`outcome = ANY(${outcomes}::text[])`);
  add(filter.severities, (severities) => sql`severity = ANY(${severities}::text[])`);
  add(filter.minSeverity, (least) => sql`severity = ANY(${severitiesFrom(least)}::text[])`);
  for (const name of EQUALITY_FIELDS) add(filter[name], (value) => sql`${COLUMNS[name]} = ${value}`);
  add(filter.ipBlock, isIn);
  add(filter.startTime, (time) => sql`"timestamp" >= ${sqlTime(time)}::timestamptz`);
  add(filter.endTime, (time) => sql`"timestamp" <= ${sqlTime(time)}::timestamptz`);
  add(filter.search, searchSql);
  for (const name of OBJECT_FIELDS)
    add(filter[name], (value) => sql`${COLUMNS[name]} @> ${JSON.stringify(value)}::jsonb`);
  return conditions;
}

const COLUMNS = mapFields([...EQUALITY_FIELDS, ...OBJECT_FIELDS], (name) => Prisma.raw(columnOf(name)));

// A phrase is matched against the ordered words of the events that the index finds.
const SEARCH_TEXT = sql`' ' || array_to_string(search_words, ' ') || ' '`;
/** Whether a version before migration 0060 made the words: they are distinct and unordered. */
export const HAS_FORMER_WORDS = sql`search_words[1] IS DISTINCT FROM ${Prisma.raw(`'${TEXT_START}'`)}`;

/** The condition of a search: its terms, without the excluded ones. */
function searchSql(search: SearchCondition): Prisma.Sql {
  const excluded = (search.excluded ?? []).map((one) => sql`AND NOT (${isFound(one)})`);
  return excluded.length === 0 ? isFound(search) : sql`${isFound(search)} ${Prisma.join(excluded, ' ')}`;
}

function isFound({ words, phrases = [], formerWords }: SearchCondition): Prisma.Sql {
  const hasWords = sql`search_words @> ${words}::text[]`;
  // Words contain no special character of LIKE.
  const patterns = phrases.map((phrase) => `%${needleOf(phrase)}%`);
  const hasPhrases = patterns.length === 0 ? sql`true` : sql`${SEARCH_TEXT} LIKE ALL (${patterns}::text[])`;
  if (formerWords === undefined)
    return patterns.length === 0 ? hasWords : sql`${hasWords} AND (${HAS_FORMER_WORDS} OR ${hasPhrases})`;
  const isFoundNow = sql`${hasWords} AND NOT ${HAS_FORMER_WORDS} AND ${hasPhrases}`;
  if (formerWords.length === 0) return isFoundNow;
  return sql`(${isFoundNow} OR search_words @> ${formerWords}::text[] AND ${HAS_FORMER_WORDS})`;
}

// Each alternative is a range of the index of addresses.
function isIn(block: AddressBlock): Prisma.Sql {
  const alternatives = storedBlocks(block).map((stored) => sql`ip_address <<= ${stored}::inet`);
  const isWithin = sql`(${Prisma.join(alternatives, ' OR ')})`;
  return holdsMapped(block) ? sql`${isWithin} AND NOT ${IS_MAPPED}` : isWithin;
}

/** Whether an address is an IPv4-mapped one, as older versions stored it. */
export const IS_MAPPED = sql`ip_address <<= ${Prisma.raw(`'${MAPPED_BLOCK}'`)}`;
