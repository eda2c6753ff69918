import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 10;

/** Processor time that a process has used, in milliseconds, and memory it has resident, in bytes. */
export function procstat(pid: number): { cpuMs: number; residentBytes: number } {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

function fromProc(pid: number): { cpuMs: number; residentBytes: number } {
  const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const cpuMs = existsSync(`/proc/${pid}/schedstat`) ? fromTasks(pid) : fromTicks(pid);
  return { cpuMs, residentBytes: Number(resident) * 1_024 };
}

// The scheduler counts each thread's time in nanoseconds, which is in the first field.
function fromTasks(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const times = tasks.map(
    (task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0],
  );
  return times.reduce((sum, time) => sum + Number(time), 0) / 1_000_000;
}

// proc(5): the name, the second field, may hold spaces and parentheses.
function fromTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text
    .slice(text.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
  return ((fields[11] ?? 0) + (fields[12] ?? 0)) * TICK_MS;
}

function fromPs(pid: number): { cpuMs: number; residentBytes: number } {
  const [time = '', rss = ''] = execFileSync('ps', ['-o', 'time=,rss=', '-p', `${pid}`], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);
  const cpuMs = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1_000;
  return { cpuMs, residentBytes: Number(rss) * 1_024 };
}
