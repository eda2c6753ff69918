import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TICK_MS = 10;

/** Processor time that a process has used, in milliseconds, and memory it has resident, in bytes. */
export function procstat(pid: number): { cpuMs: number; residentBytes: number } {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

// proc(5): the name, the second field of stat, may hold spaces and parentheses.
function fromProc(pid: number): { cpuMs: number; residentBytes: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text
    .slice(text.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    cpuMs: ((fields[11] ?? 0) + (fields[12] ?? 0)) * TICK_MS,
    residentBytes: Number(resident) * 1_024,
  };
}

function fromPs(pid: number): { cpuMs: number; residentBytes: number } {
  const [time = '', rss = ''] = execFileSync('ps', ['-o', 'time=,rss=', '-p', `${pid}`], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);
  const cpuMs = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1_000;
  return { cpuMs, residentBytes: Number(rss) * 1_024 };
}
