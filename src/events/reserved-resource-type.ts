import { type AuditError, badInput } from '../errors.ts';

/** The resource type of the log's own events; of those about its parts, such as API keys, what begins with it and a dot. */
export const SYSTEM_RESOURCE_TYPE = 'audit_log';

/** The resource type of the log's own events about API keys. */
export const KEY_RESOURCE_TYPE = `${SYSTEM_RESOURCE_TYPE}.api_key`;

// Marks, white space, control characters and invisible characters: a text looks the same without them.
const INVISIBLE = /[\p{M}\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu;
const PLAIN = /^[\x21-\x7e]+$/;
/** Characters that look like a letter of the reserved name in some font (Unicode Technical Standard 39), by that letter. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  a: 'аɑα',
  u: 'υսᴜꞟ',
  d: 'ԁꓒ',
  t: 'т',
  l: 'i1|ıіӏιɩᴵǀ∣ⅼⅰןاꓲ',
  o: '0оοօօσסە',
  g: 'ɡցƍ',
  _: 'ˍ‗',
  '.': '․٠۰ꓸ',
};
const LETTERS = new Map(
  Object.entries(LOOKALIKES).flatMap(([letter, others]) =>
    [...others].map((other) => [other, letter] as const),
  ),
);
const RESERVED = skeletonOf(SYSTEM_RESOURCE_TYPE);

/**
 * Whether a resource type is, or in some font looks like, that of the log's own events: `audit_log`, or something that
 * begins with `audit_log.`, in any case, with any padding, full-width, or with letters of another alphabet.
 */
export function isReserved(resourceType: string | null | undefined): boolean {
  if (resourceType == null) return false;
  if (PLAIN.test(resourceType) && resourceType.length < SYSTEM_RESOURCE_TYPE.length) return false;
  const skeleton = skeletonOf(resourceType);
  return skeleton === RESERVED || skeleton.startsWith(`${RESERVED}.`);
}

/** The problem of a client's event at `path` whose resource type is reserved. */
export function reservedProblem(path: string): AuditError {
  return badInput(
    `${path}.resourceType`,
    `is reserved for the log's own events: "${SYSTEM_RESOURCE_TYPE}" and what begins with "${SYSTEM_RESOURCE_TYPE}."`,
  );
}

// Texts that look alike have the same skeleton.
function skeletonOf(text: string): string {
  const folded = text.normalize('NFKD').replace(INVISIBLE, '').toLowerCase().normalize('NFKD');
  let skeleton = '';
  for (const letter of folded.replace(INVISIBLE, '')) skeleton += LETTERS.get(letter) ?? letter;
  return skeleton;
}
