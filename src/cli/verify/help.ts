import { EXIT_CODES } from './outcome.ts';

export const VERIFY_HELP = `
Without a subcommand it verifies the database.
${EXIT_CODES}`;

export const DATABASE_HELP = `
It works on the database itself, read-only and while a service writes to it: on DATABASE_URL, or on the PostgreSQL under
DATA_DIR (.data by default), which is started for the command when no service runs there. Every event is hashed again
and compared with its leaf hash, its tile and its customer's tree; every tile, tree and checkpoint is computed anew. What
somebody changed who can also sign, or who rewrote the whole log, shows only against a checkpoint that was kept outside.
${EXIT_CODES}`;

export const EXPORT_HELP = `
Every line is hashed as the bytes that it is: the lines must be all events of the tree, unchanged and in order. The whole
log's export goes with the log's checkpoints, a customer's with those of the customer. Take the checkpoint first and
export then, without a filter: lines that are newer than the last checkpoint can be passed over (--ignore-newer), missing
ones cannot. An export appends events itself, so a checkpoint that is taken after it covers more than its lines.

When a purge removed the beginning of the log, the first line is not at position 0: give its position with --start, and
--tiles for the hashes of what was removed. The finding names that position when the export announces the purge.

Which line is wrong can be told where there is a checkpoint before and after it, where a line is not in canonical form,
and exactly with the tree's hashes (--tiles), which need not be trusted: they are held against the checkpoint.

Environment:
  AUDIT_LOG_KEY   a key with the scope events:read, where --tiles is a URL that wants one
${EXIT_CODES}`;

export const REMOTE_HELP = `
The prefix is where /checkpoint and /tile/... are (C2SP tlog-tiles): http://127.0.0.1:4000 for the whole log, and with
--customer ID for a customer's tree below /customers-by-id/. Every tile is held against the checkpoint, every event that
the key may read against its leaf hash, and the log against the checkpoints that were kept.

Environment:
  AUDIT_LOG_KEY   a key with the scope events:read; not needed where evidence is public, and then no events are read
${EXIT_CODES}`;

export const CONSISTENCY_HELP = `
A proof comes from audit-log prove growth FROM TO, or is put together from the tiles of the log.
${EXIT_CODES}`;

export const BUNDLE_HELP = `
It prints the event that is proved.
${EXIT_CODES}`;
