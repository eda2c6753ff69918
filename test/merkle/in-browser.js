// Runs inside a page: verifies what a log gives with the modules of src/merkle as they are, and nothing else.
import {
  leafHash,
  nodesFromTiles,
  noteVerifier,
  openCheckpoint,
  parseBundle,
  parseVerifierKey,
  proveConsistency,
  tilePath,
  verifyBundle,
  verifyConsistency,
} from '/merkle/index.js';

async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}

function tilesOf(log) {
  return async (tiles) =>
    Promise.all(
      tiles.map(async (tile) => new Uint8Array(await (await get(`${log}/${tilePath(tile)}`)).arrayBuffer())),
    );
}

const side = ({ treeSize, rootHash }) => ({ size: treeSize, rootHash });

/** Whether the log at that URL goes on from an earlier checkpoint, proved with its tiles. */
async function isContinued(log, policy, earlierNote) {
  const { checkpoint: earlier } = await openCheckpoint(earlierNote, policy);
  const { checkpoint: latest } = await openCheckpoint(await (await get(`${log}/checkpoint`)).text(), policy);
  const read = nodesFromTiles(latest.treeSize, tilesOf(log));
  const proof = await proveConsistency(earlier.treeSize, latest.treeSize, read);
  return verifyConsistency({ from: side(earlier), to: side(latest), proof });
}

/** The size of the tree that a bundle proves its own event to be in; undefined when it proves nothing. */
async function provedSize(text, policy) {
  const bundle = parseBundle(text);
  return (await verifyBundle(leafHash(bundle.extra), bundle, policy))?.checkpoint.treeSize;
}

/** What became of a promise, as something that a page can hand out. */
const outcomeOf = (promise) => promise.catch((error) => error.name);

window.verify = async ({ log, origin, verifierKey, earlierNotes, bundles }) => {
  const policy = { origin, logKeys: [noteVerifier(parseVerifierKey(verifierKey))] };
  return {
    hasProcess: typeof process !== 'undefined',
    continued: await Promise.all(earlierNotes.map((note) => outcomeOf(isContinued(log, policy, note)))),
    proved: await Promise.all(bundles.map((bundle) => outcomeOf(provedSize(bundle, policy)))),
  };
};
