import { FormatError } from '../merkle/encoding.ts';
import { equalHashes, leafHash } from '../merkle/hash.ts';
import { parseBundle } from '../merkle/proof-bundle.ts';
import { type ReadTiles, TILE_WIDTH, tileWidth } from '../merkle/tile.ts';
import { entriesPath, parseEntries } from '../merkle/tile-files.ts';
import { hashesIn } from './export-lines.ts';
import { type CountedFinding, Findings } from './findings.ts';
import { LogFileError, type ReadLogFile } from './log-files.ts';
import { Removals, removalEventIn } from './removals.ts';
import type { SavedCheckpoint } from './trust.ts';
import { explainLeaves, TileError, TrustedTiles } from './trusted-tiles.ts';

/** The number of tiles requested at once. */
const AHEAD = 8;
/** The path of the proof bundle of the newest announcement of a purge. */
const ANNOUNCEMENT = 'purge';

/** A remote log, and the checkpoints to compare it with. */
export interface RemoteOptions {
  read: ReadLogFile;
  readTiles: ReadTiles;
  /** The log's present checkpoint, with verified signatures. */
  now: SavedCheckpoint;
  /** Saved checkpoints of the same tree. */
  saved: readonly SavedCheckpoint[];
  /** Whether to read the events too. */
  withEntries: boolean;
  onProgress?: (leaves: number, size: number) => void;
}

/** The result of the verification of a remote log. */
export interface RemoteVerification {
  /** The number of leaf hashes that were compared with the checkpoint. */
  leaves: number;
  /** The number of events that were hashed. */
  events: number;
  /** The number of events in bundles that the log withholds because retention removed some of their events. */
  removed: number;
  /** Why events were not read; undefined when they were. */
  refused: string | undefined;
  findings: CountedFinding[];
}

/**
 * Verifies all tiles of a log against its checkpoint, every event that the log serves against the tiles, and that the log
 * continues the saved checkpoints. It reads only the files of C2SP tlog-tiles.
 */
export async function verifyRemote(options: RemoteOptions): Promise<RemoteVerification> {
  const { checkpoint } = options.now;
  const root = { size: checkpoint.treeSize, rootHash: checkpoint.rootHash };
  const walk = new RemoteWalk(options, new TrustedTiles(options.readTiles, root));
  await walk.compareKept();
  await walk.compareLeaves();
  await walk.compareRemoval();
  return walk.result();
}

class RemoteWalk {
  readonly #options: RemoteOptions;
  readonly #tiles: TrustedTiles;
  readonly #findings = new Findings();
  #leaves = 0;
  #events = 0;
  #removed = 0;
  readonly #removals = new Removals();
  #refused: string | undefined;

  constructor(options: RemoteOptions, tiles: TrustedTiles) {
    this.#options = options;
    this.#tiles = tiles;
    this.#refused = options.withEntries ? undefined : 'they were not asked for';
  }

  result(): RemoteVerification {
    return {
      leaves: this.#leaves,
      events: this.#events,
      removed: this.#removed,
      refused: this.#refused,
      findings: this.#findings.list(),
    };
  }

  async compareKept(): Promise<void> {
    for (const { name, tree, checkpoint } of this.#options.saved) {
      const { treeSize, rootHash } = checkpoint;
      const add = (kind: 'truncated' | 'checkpoint', message: string) =>
        this.#findings.add({ kind, message, tree, treeSize });
      if (treeSize > this.#tiles.root.size)
        add('truncated', `${name} is of ${treeSize} events, but the log has only ${this.#tiles.root.size}`);
      else if (treeSize === 0) continue;
      else
        await this.#orTile(async () => {
          if (!equalHashes(await this.#tiles.rootAt(treeSize), rootHash))
            add('checkpoint', `the log does not begin with the ${treeSize} events of ${name}`);
        });
    }
  }

  /** Compares all leaves, and their events. */
  async compareLeaves(): Promise<void> {
    const { size } = this.#tiles.root;
    for await (const part of readAhead(Math.ceil(size / TILE_WIDTH), (index) => this.#read(index))) {
      this.#compare(part);
      this.#options.onProgress?.(Math.min(size, (part.index + 1) * TILE_WIDTH), size);
    }
  }

  /**
   * Requires an announcement when the log withholds its oldest events. A file of its own proves the announcement, since that
   * may be in a bundle with removed events. The tree of a customer has no announcements.
   */
  async compareRemoval(): Promise<void> {
    if (this.#removed === 0 || this.#options.now.tree !== 'log') return;
    await this.#readAnnouncement();
    // At least the first event of the last withheld bundle must be removed.
    const first = Math.floor((this.#removed - 1) / TILE_WIDTH) * TILE_WIDTH + 1;
    const announced = this.#removals.find(first)?.firstPosition;
    const root =
      announced === undefined ? undefined : await this.#orTile(() => this.#tiles.rootAt(announced));
    const finding = this.#removals.problemAt(first, () => root && Buffer.from(root).toString('hex'));
    if (finding) this.#findings.add(finding);
  }

  async #readAnnouncement(): Promise<void> {
    const bytes = await this.#options.read(ANNOUNCEMENT);
    if (!bytes) return;
    try {
      const { index, extra } = parseBundle(Buffer.from(bytes).toString('utf8'));
      if (!extra || index >= this.#tiles.root.size) return;
      const leaves = await this.#orTile(() => this.#tiles.read(0, Math.floor(index / TILE_WIDTH)));
      const leaf = leaves && hashesIn(leaves)[index % TILE_WIDTH];
      // The rest of the file does not matter: this event is a leaf of the signed tree.
      if (leaf && equalHashes(leaf, leafHash(extra))) this.#removals.add(removalEventIn(extra, index));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }

  async #read(index: number): Promise<TileAndEntries> {
    const width = tileWidth(0, index, this.#tiles.root.size);
    const [leaves, entries] = await Promise.all([
      this.#orTile(() => this.#tiles.read(0, index)),
      this.#refused === undefined ? this.#readEntries(index, width) : undefined,
    ]);
    return { index, leaves: leaves && hashesIn(leaves), entries };
  }

  async #readEntries(index: number, width: number): Promise<TileAndEntries['entries']> {
    try {
      const bytes = await this.#options.read(entriesPath({ index, width }));
      return bytes ? parseEntries(bytes) : 'missing';
    } catch (error) {
      if (error instanceof FormatError) return 'malformed';
      const status = error instanceof LogFileError ? error.status : undefined;
      if (status === 410) return 'removed';
      if (status !== 401 && status !== 403) throw error;
      this.#refused = `the log answered with status ${status}`;
      return undefined;
    }
  }

  #compare({ index, leaves, entries }: TileAndEntries): void {
    const start = index * TILE_WIDTH;
    if (!leaves) return;
    this.#leaves += leaves.length;
    if (entries === undefined) return;
    // Retention removes the oldest events, so no event after an existing one can be removed.
    if (entries === 'removed' && this.#events === 0) this.#removed += leaves.length;
    else if (typeof entries === 'string') {
      const message = `the events from here to position ${start + leaves.length - 1} are ${entries}`;
      this.#findings.add({ kind: 'missing', message, position: start }, leaves.length);
    } else {
      this.#events += entries.length;
      const finding = explainLeaves(entries.map(leafHash), leaves, start);
      if (finding) this.#findings.add(finding);
      else for (const [at, entry] of entries.entries()) this.#removals.add(removalEventIn(entry, start + at));
      if (finding) return;
      if (entries.length > leaves.length)
        this.#findings.add({
          kind: 'extra',
          message: 'there are events after the last one of the checkpoint',
          position: start + leaves.length,
        });
    }
  }

  /** The result of reading tiles. A tile that is wrong or missing is a finding. */
  async #orTile<T>(reading: () => Promise<T>): Promise<T | undefined> {
    try {
      return await reading();
    } catch (error) {
      const isFinding = error instanceof TileError || (error instanceof LogFileError && error.status === 404);
      if (!isFinding) throw error;
      this.#findings.add({ kind: 'tile', message: error.message });
      return undefined;
    }
  }
}

/** The tile and the entry bundle of 256 positions. */
interface TileAndEntries {
  index: number;
  /** Undefined when the tile does not match the checkpoint. */
  leaves: Uint8Array[] | undefined;
  /** The bytes of the events, or why there are none; undefined when they were not requested. */
  entries: Uint8Array[] | 'missing' | 'malformed' | 'removed' | undefined;
}

/** The results of `read` for 0 to `count - 1`, in order, with up to `AHEAD` reads at once. */
async function* readAhead<T>(count: number, read: (index: number) => Promise<T>): AsyncGenerator<T, void> {
  const ahead: Promise<T>[] = [];
  for (let index = 0; index < count || ahead.length > 0; index += 1) {
    if (index < count) {
      const reading = read(index);
      // When an earlier read fails, this one is not awaited.
      reading.catch(() => undefined);
      ahead.push(reading);
    }
    if (ahead.length >= AHEAD || index >= count - 1) yield (await ahead.shift()) as T;
  }
}
