import type { PoolClient } from 'pg';
import { readsOn } from '../../src/db/queries.ts';
import { canonicalEvent } from '../../src/events/canonical.ts';
import { searchWords } from '../../src/events/search.ts';
import { readRange } from '../../src/log/read/events.ts';
import { leafHash } from '../../src/merkle/hash.ts';
import { type DatabaseVerifyOptions, type Verification, verifySnapshot } from '../../src/verify/database.ts';

/** Verifies the log as it is after the statements of a superuser, whom no trigger stops, and undoes them. */
export async function verifyTampered(
  client: PoolClient,
  tamper: string | (() => Promise<void>),
  options: DatabaseVerifyOptions = {},
): Promise<Verification> {
  await client.query('BEGIN');
  try {
    await client.query("SET LOCAL session_replication_role = 'replica'");
    if (typeof tamper === 'string') await client.query(tamper);
    else await tamper();
    return await verifySnapshot(client, options);
  } finally {
    await client.query('ROLLBACK');
  }
}

/** Changes an event and gives it the leaf hash that it has then. */
export async function forge(client: PoolClient, position: number): Promise<void> {
  const [event] = await readRange(readsOn(client), {
    start: position,
    end: position + 1,
    limit: 1,
    filters: [],
  });
  if (!event) throw new Error(`there is no event at position ${position}`);
  const action = `${event.action} or not`;
  const hash = leafHash(canonicalEvent({ ...event, action }));
  const words = searchWords({ ...event, action });
  await client.query(
    'UPDATE audit_events SET action = $1, leaf_hash = $2, search_words = $3 WHERE position = $4',
    [action, hash, words, position],
  );
}

/** The findings without their words. */
export function found({ findings }: Verification): { kinds: string[]; position: number | undefined } {
  return { kinds: findings.map(({ kind }) => kind), position: findings[0]?.position };
}

/** Edits of one column of an event, by name, as SQL for its new value. */
export const EVENT_EDITS: Record<string, string> = {
  id: "'audit_' || md5(id)",
  salt: "decode(md5(id), 'hex')",
  leaf_hash: 'sha256(leaf_hash)',
  timestamp: `"timestamp" + interval '1 ms'`,
  'timestamp far away': "'infinity'",
  recorded_at: "recorded_at - interval '1 day'",
  event_type: "event_type || 'x'",
  outcome: "'denied'",
  severity: "'debug'",
  user_id: "user_id || 'x'",
  'user_id away': 'NULL',
  customer_id: "customer_id || 'x'",
  'customer_id away': 'NULL',
  session_id: "session_id || ' '",
  ip_address: "'198.51.100.1'",
  'ip_address as a block': 'set_masklen(ip_address, 24)',
  user_agent: "''",
  request_id: 'upper(request_id)',
  resource_type: "resource_type || 'x'",
  resource_id: 'reverse(resource_id)',
  action: 'upper(action)',
  description: "description || '.'",
  details: `details || '{"x": 1}'`,
  'details in digits':
    "jsonb_set(details, '{n}', to_jsonb(coalesce(details->>'n', '0')::numeric + 0.00000000000000000001))",
  'details as an array': "'[]'",
  'details as null': "'null'",
  old_values: "'{}'",
  new_values: "'null'",
  search_words: "array_append(search_words, 'x')",
  'search_words away': 'search_words[1:1]',
};

/** Edits of a tile. */
export const TILE_EDITS: Record<string, string> = {
  hashes:
    'hashes = set_byte(hashes, octet_length(hashes) - 1, get_byte(hashes, octet_length(hashes) - 1) # 1)',
  'the first hash': 'hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 128)',
  'one hash less': 'hashes = substr(hashes, 1, octet_length(hashes) - 32), width = width - 1',
  'half a hash': 'hashes = substr(hashes, 1, octet_length(hashes) - 16)',
  'one hash more': 'hashes = hashes || sha256(hashes), width = width + 1',
  width: 'width = width - 1',
  level: 'level = level + 5',
  index: 'index = index + 1000',
  positions:
    "positions = set_byte(coalesce(positions, '\\x0000000000000000'), 7, 1 + get_byte(coalesce(positions, '\\x0000000000000000'), 7))",
  'first position': 'first_position = coalesce(first_position, 0) + 1',
};

/** Edits of the head. */
export const HEAD_EDITS: Record<string, string> = {
  'size one less': 'size = size - 1',
  'size one more': 'size = size + 1',
  'size far less': 'size = size - 200',
  'size far more': 'size = size * 1000000',
  root_hash: 'root_hash = sha256(root_hash)',
  frontier: 'frontier = set_byte(frontier, 40, get_byte(frontier, 40) # 1)',
  'frontier shorter': 'frontier = substr(frontier, 33)',
  segment_bits: 'segment_bits = segment_bits + 1',
};

/** Edits of a checkpoint; when it was signed is the one thing that nothing vouches for. */
export const CHECKPOINT_EDITS: Record<string, string> = {
  tree: "tree = 'customer/nobody'",
  'size one less': 'tree_size = tree_size - 1',
  'size far more': 'tree_size = tree_size + 100000',
  log_size: 'log_size = log_size + 1',
  root_hash: 'root_hash = sha256(root_hash)',
  'text of the note': "note = regexp_replace(note, '\\n([0-9]+)\\n', E'\\n1\\\\1\\n')",
  'signature of the note': "note = regexp_replace(note, '[^=]{4}(=*\\n)$', 'AAAA\\1')",
  'no note': "note = ''",
};

/** Edits of a cosignature. */
export const COSIGNATURE_EDITS: Record<string, string> = {
  tree_size: 'tree_size = tree_size + 1',
  line: "line = regexp_replace(line, '[^=]{4}(=*\\n)$', 'AAAA\\1')",
  key_name: "key_name = key_name || 'x'",
  key_id: 'key_id = key_id + 1',
  cosigned_at: "cosigned_at = cosigned_at + interval '1 hour'",
  of_witness: 'of_witness = true',
};
