import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type Client, ClientError, clientFrom } from '../client/graphql-client.ts';
import { encodeBase64 } from '../merkle/encoding.ts';
import { printFailure, printMessage } from './messages.ts';

const HELP = `
The bundle (C2SP tlog-proof) contains the event, its proof and a signed checkpoint. audit-log verify bundle FILE --key VKEY
verifies it offline.

Environment:
  AUDIT_LOG_URL   the service, http://127.0.0.1:4000/graphql by default
  AUDIT_LOG_KEY   a key with the scope events:read

Exit code: 0 when the proof was written, 2 otherwise, also for wrong arguments.`;

export const BUNDLE = `query Prove($id: ID!, $minWitnesses: Int!) {
  auditEvent(id: $id) { proofBundle(minWitnesses: $minWitnesses) }
  auditEvents(first: 1, orderBy: POSITION_ASC) { edges { node { position recordedAt } } }
}`;
export const GROWTH =
  'query Growth($from: SafeInt!, $to: SafeInt!) { consistencyProof(from: $from, to: $to) { hashes } }';

interface ProveFlags {
  output?: string;
  minWitnesses?: string;
}

/** Adds `audit-log prove` to the program. */
export function register(program: Command): void {
  const prove = program.command('prove').description('write a proof that anybody can verify offline');
  prove
    .command('event <id>', { isDefault: true })
    .description('prove that an event is in the log: writes a bundle (the default)')
    .option(
      '--min-witnesses <count>',
      'use a checkpoint that at least this many witnesses have cosigned',
      '0',
    )
    .option('--output <file>', 'where to write to (default: standard output)')
    .addHelpText('after', HELP)
    .action((id: string, flags: ProveFlags) => finish(flags, (client) => bundleOf(client, id, flags)));
  prove
    .command('growth <from> <to>')
    .description('prove that the log of size <to> continues that of size <from>: one line of base64 per hash')
    .option('--output <file>', 'where to write to (default: standard output)')
    .action((from: string, to: string, flags: ProveFlags) =>
      finish(flags, (client) => growthOf(client, from, to)),
    );
}

async function finish({ output }: ProveFlags, write: (client: Client) => Promise<string>): Promise<void> {
  try {
    const text = await write(clientFrom(process.env, { onRetry: printMessage }));
    if (output === undefined) process.stdout.write(text);
    else await writeFile(output, text);
  } catch (error) {
    printFailure('prove', error);
    process.exitCode = 2;
  }
}

interface BundleAnswer {
  auditEvent: { proofBundle: string } | null;
  auditEvents: { edges: { node: { position: number; recordedAt: string } }[] };
}

async function bundleOf(client: Client, id: string, { minWitnesses }: ProveFlags): Promise<string> {
  const variables = JSON.stringify({ id, minWitnesses: Number(minWitnesses) });
  const answer = (await client.request(BUNDLE, variables)) as unknown as BundleAnswer;
  if (answer.auditEvent) return answer.auditEvent.proofBundle;
  const oldest = answer.auditEvents.edges[0]?.node;
  throw new ClientError(
    oldest && isBefore(id, oldest.recordedAt) && oldest.position > 0
      ? `the event ${id} was removed by retention, if it existed: the log begins at position ${oldest.position}, recorded at ${oldest.recordedAt}. A removed event can only be proved with a bundle that was made before.`
      : `there is no event ${id} that this key may see`,
  );
}

/** Whether an id was created before a time: its first 48 bits are milliseconds since 1970 (UUIDv7). */
function isBefore(id: string, time: string): boolean {
  const [, milliseconds] = /^audit_([0-9a-f]{12})[0-9a-f]{20}$/.exec(id) ?? [];
  return milliseconds !== undefined && Number.parseInt(milliseconds, 16) < Date.parse(time);
}

async function growthOf(client: Client, from: string, to: string): Promise<string> {
  const data = await client.request(GROWTH, JSON.stringify({ from: Number(from), to: Number(to) }));
  const { hashes } = data.consistencyProof as { hashes: string[] };
  return hashes.map((hash) => `${encodeBase64(Buffer.from(hash, 'hex'))}\n`).join('');
}
