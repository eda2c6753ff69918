const VALUE_BYTES = 32;

/** About how many bytes a value takes in memory: two for each UTF-16 code unit, and 32 for each value. */
export function memoryOf(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + 2 * value.length;
  if (value === null || typeof value !== 'object') return VALUE_BYTES;
  if (Buffer.isBuffer(value)) return VALUE_BYTES + value.length;
  let bytes = VALUE_BYTES;
  for (const member of Object.values(value)) bytes += memoryOf(member);
  return bytes;
}
