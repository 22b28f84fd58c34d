import type { BackupProgress } from './backup-work.ts';

/** How far the change of an index key is. `unfinished`: begun before the last start of the node, and not over. */
export interface IndexRotationProgress {
  readonly state: 'none' | 'running' | 'done' | 'unfinished' | 'failed';
  readonly done: number;
  readonly total: number;
  /** Resources that could not be read, and are found by nothing but their id. */
  readonly failed?: number;
  /** Of the key that is written under. */
  readonly generation: number;
  readonly refusal?: NonNullable<BackupProgress['refusal']>;
}
