import { setTimeout as delay } from 'node:timers/promises';
import { Reject, type RejectKind } from '../std/reject.ts';
import type { BackupProgress } from './backup-work.ts';

const ASK_MS = 200;

/** Asks a node how far something is until it is over, and hands what it says to `show`. */
export async function untilOver<T extends { readonly state: string; readonly refusal?: BackupProgress['refusal'] }>(
  ask: () => Promise<T>,
  show: (progress: T) => void,
): Promise<T> {
  for (;;) {
    const progress = await ask();
    show(progress);
    if (progress.refusal !== undefined) throw refusalToReject(progress.refusal);
    if (progress.state !== 'running') return progress;
    await delay(ASK_MS);
  }
}

function refusalToReject({ code, kind, sentence, data }: NonNullable<BackupProgress['refusal']>): Reject {
  return new Reject(code, { kind: kind as RejectKind, sentence }, data as Reject['data']);
}

/** A size for people, e.g. `12.3 MB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, at] = [bytes, 0];
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
}

/** Day and minute, UTC. */
export function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function dayText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
