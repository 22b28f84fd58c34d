import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What a process came to: its exit code, and what it wrote to standard output and standard error. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly notes: string;
}

/** Resolves when a child has ended and its output has been read. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  let [out, notes] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    notes += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, notes };
}
