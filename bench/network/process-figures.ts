import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** USER_HZ: what /proc counts processor time in, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Processor seconds that processes have used so far, their threads included; from /proc, which only Linux has. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name is in parentheses and may hold spaces; fields 14 and 15 are utime and stime (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Bytes that the files of a folder take on the disk, holes left out; 0 where it is not there. */
export function diskBytes(path: string): number {
  let bytes = 0;
  try {
    const found = statSync(path);
    if (!found.isDirectory()) return found.blocks * 512;
    for (const name of readdirSync(path)) bytes += diskBytes(join(path, name));
  } catch (error) {
    // The engine's databases take files away while they are counted.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return bytes;
}

/** Processor seconds that the whole machine has spent on anything so far, waiting apart (proc(5), /proc/stat). */
export function machineSeconds(): number {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] as string)
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0] = fields;
  return (user + nice + system + interrupts + softInterrupts) / TICKS_PER_SECOND;
}
