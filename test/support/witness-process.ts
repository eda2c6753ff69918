import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, startProgram } from './process.ts';

/** A request that the witness answered. */
export interface Answered {
  old: number;
  size: number;
  status: number;
}

/** The witness of `witness.ts`, as a process. */
export interface WitnessProcess {
  url: string;
  /** Its verifier key. */
  vkey: string;
  /** The requests that it has answered, since its last start. */
  answered(): Answered[];
  stop(): Promise<void>;
  /** Starts it again on the same port, with what it kept. */
  start(): Promise<void>;
  /** Stops it and removes what it kept. */
  remove(): Promise<void>;
}

/** Starts a witness that watches the log with this verifier key. */
export async function startWitness(name: string, logKey: string): Promise<WitnessProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-log-witness-'));
  const { privateKey } = generateKeyPairSync('ed25519');
  const settings = {
    name,
    pem: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    logs: { [logKey.split('+', 1)[0] as string]: [logKey] },
    state: join(folder, 'state.json'),
  };
  let program = await launch({ ...settings, port: 0 });
  const { url, vkey } = linesOf<{ url: string; vkey: string }>(program)[0] as { url: string; vkey: string };
  const stop = async () => {
    program.child.kill();
    await program.ended;
  };
  return {
    url,
    vkey,
    answered: () => linesOf<Answered>(program).slice(1),
    stop,
    async start() {
      program = await launch({ ...settings, port: Number(new URL(url).port) });
    },
    async remove() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(settings: object): Promise<Program> {
  const program = startProgram(join(import.meta.dirname, 'witness.ts'), {}, [JSON.stringify(settings)]);
  await program.says('\n');
  return program;
}

// The last line may not be there as a whole yet.
function linesOf<T>(program: Program): T[] {
  return program
    .said()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
}
