import { findSources, gunzipped, type ImportSource } from '../../import/sources.ts';
import { type ExportVerification, verifyExport } from '../../verify/export.ts';
import type { CountedFinding } from '../../verify/findings.ts';
import { givenKey, logFilesAt, tilesFrom } from '../../verify/log-files.ts';
import type { SavedCheckpoint } from '../../verify/trust.ts';
import { type CommandResult, createProgress, findingLines, printable } from './output.ts';
import { readSavedCheckpoints, treeOfAll, treeTitle } from './saved-checkpoints.ts';

const MEBIBYTE = 1024 * 1024;

export interface ExportFlags {
  checkpoint: string[];
  key: string;
  tiles?: string;
  start?: number;
  ignoreNewer?: boolean;
}

/** Verifies an NDJSON export against checkpoints; offline, unless `--tiles` is a URL. */
export async function verifyTheExport(path: string, flags: ExportFlags): Promise<CommandResult> {
  const { checkpoints, findings } = await readSavedCheckpoints(flags.key, flags.checkpoint);
  const tree = treeOfAll(checkpoints);
  if (tree === undefined) return refused(findings.list());
  const source = await sourceOf(path);
  const progress = createProgress(process.stderr, source.bytes === undefined ? 'lines' : 'MiB');
  const startMs = performance.now();
  let bytes = 0;
  const open = () =>
    gunzipped(
      source.open((count) => {
        bytes += count;
      }),
    );
  const total = source.bytes === undefined ? undefined : Math.ceil(source.bytes / MEBIBYTE);
  const found = await verifyExport({
    open,
    canReopen: source.bytes !== undefined,
    checkpoints,
    tiles: flags.tiles === undefined ? undefined : tilesFrom(logFilesAt(flags.tiles, givenKey())),
    start: flags.start ?? 0,
    onLines: (lines) =>
      progress.at(total === undefined ? lines : Math.min(total, Math.floor(bytes / MEBIBYTE)), total),
  }).finally(progress.end);
  const all = [...findings.list(), ...found.findings];
  const seconds = (performance.now() - startMs) / 1_000;
  return resultOf({ ...found, findings: all }, { tree, checkpoints, flags, seconds });
}

async function sourceOf(path: string): Promise<ImportSource> {
  const { sources } = await findSources([path], 'ndjson', process.stdin);
  const [source] = sources;
  if (!source || sources.length > 1) throw new Error(`${path} is not one file`);
  return source;
}

function refused(findings: CountedFinding[]): CommandResult {
  return { outcome: 'does not hold', json: { findings }, lines: findingLines(findings) };
}

interface ResultContext {
  tree: SavedCheckpoint['tree'];
  checkpoints: readonly SavedCheckpoint[];
  flags: ExportFlags;
  seconds: number;
}

function resultOf(found: ExportVerification, given: ResultContext): CommandResult {
  const { findings, lines, newer, held, rootHash, isAnnouncedLater } = found;
  const isUnsure = (newer > 0 && !given.flags.ignoreNewer) || isAnnouncedLater;
  const outcome = findings.length > 0 ? 'does not hold' : isUnsure ? 'undecided' : 'verified';
  const { seconds, tree } = given;
  return {
    outcome,
    json: {
      tree,
      lines,
      newer,
      heldCheckpoints: held,
      rootHash: rootHash === undefined ? null : Buffer.from(rootHash).toString('hex'),
      seconds: Number(seconds.toFixed(3)),
      findings,
    },
    lines: [
      ...(findings.length > 0 ? findingLines(findings) : describeOutcome(found, given)),
      `Lines: ${lines}; checkpoints that they match: ${held} of ${given.checkpoints.length}`,
      `Signed by: ${printable(given.flags.key)}`,
      `Time: ${seconds.toFixed(1)} s, ${Math.round(lines / Math.max(seconds, 0.001))} lines/s`,
    ],
  };
}

function describeOutcome(
  { newer, lines, isAnnouncedLater }: ExportVerification,
  { tree, checkpoints, flags }: ResultContext,
): string[] {
  const last = checkpoints.reduce((a, b) => (a.checkpoint.treeSize < b.checkpoint.treeSize ? b : a));
  const size = last.checkpoint.treeSize;
  const of = printable(treeTitle(tree));
  const among = last.checkpoint.extensions.find((line) => line.startsWith('log '))?.slice('log '.length);
  const speaks = among === undefined ? '' : `, among the first ${among} of the log`;
  const from = flags.start ? ` from position ${flags.start} on` : '';
  const said = `the lines are the ${size - (flags.start ?? 0)} events of ${of}${from}${speaks}: all of them, unchanged and in order.`;
  if (isAnnouncedLater)
    return [
      'Undecided: only lines after the last checkpoint announce the removal of the events before the first line. Take a newer checkpoint.',
      `Up to the checkpoint, ${said}`,
    ];
  if (newer === 0) return [`Verified: ${said}`];
  const behind = `${newer} of the ${lines} lines are newer than the last checkpoint, which does not cover them`;
  return flags.ignoreNewer
    ? [`Verified: up to the last checkpoint, ${said}`, `Skipped: ${behind}.`]
    : [
        `Undecided: ${behind}. Take a newer checkpoint, or skip them with --ignore-newer.`,
        `Up to the checkpoint, ${said}`,
      ];
}
