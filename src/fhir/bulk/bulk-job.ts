import type { Caller } from '../../auth/caller.ts';
import type { AskedInteraction } from '../asked.ts';
import type { FileExtent } from './sealed-frames.ts';

/** What an export was asked for, understood. */
export interface ExportRequest {
  readonly level: 'system' | 'Patient' | 'Group';
  /** Address of the kick-off request, for the manifest. */
  readonly url: string;
  /** In the order in which they are written. */
  readonly types: readonly string[];
  readonly sinceMs?: number;
  /** Queries of `_typeFilter` by type; any of a type's may hold. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  /** Elements that are kept, by type; `*` for all types. */
  readonly elements?: Readonly<Record<string, readonly string[]>>;
  /** Accounts of the patients that are meant; absent for everybody's. */
  readonly accounts?: readonly string[];
  /** What was ignored (Prefer: handling=lenient), a sentence each. */
  readonly notes: readonly string[];
}

/** A job as it was begun; a document of the vault, and the only place that its files' key is in. */
export interface BulkJob<Request> {
  readonly id: string;
  readonly custodian: string;
  readonly caller: Caller;
  /** For the journal's entries of the job. */
  readonly asked: AskedInteraction;
  readonly startedMs: number;
  /** AES-256 key of its files, hexadecimal. */
  readonly key: string;
  readonly request: Request;
}

export type ExportJob = BulkJob<ExportRequest>;

/** A file of an export as far as it is durable. */
export interface ExportFile extends FileExtent {
  readonly list: 'output' | 'deleted' | 'error';
  readonly type: string;
  /** Lines. */
  readonly count: number;
  /** Set when the export is done: SHA-256 of the file, and the journal's entry that names it. */
  readonly sha256?: string;
  readonly entry?: { readonly generation: number; readonly index: number };
}

/** Where an export's walk goes on. `slice` is of the accounts, where they are named. */
export type Position =
  | { readonly step: 'resources'; readonly type: number; readonly slice: number; readonly after?: string }
  | { readonly step: 'deleted'; readonly after?: string }
  | { readonly step: 'files' };

/** How a job ended. */
export interface Ended {
  readonly status: 'complete' | 'failed';
  readonly atMs: number;
  /** Code of what it failed with. */
  readonly cause?: string;
}

/** How far an export is; a document of the vault that is written after its files are durable. */
export interface ExportProgress {
  readonly position: Position;
  /** When the walk began, after its turn had come. */
  readonly begunMs?: number;
  /** Resources written. */
  readonly resources: number;
  readonly files: readonly ExportFile[];
  readonly ended?: Ended;
}

export const BEGIN: ExportProgress = {
  position: { step: 'resources', type: 0, slice: 0 },
  resources: 0,
  files: [],
};

/**
 * Whether a caller is the one who began a job: the same account, by the same app or by none. Users of one app are kept
 * from each other's files, and apps of one user too.
 */
export function isOwner(job: BulkJob<unknown>, caller: Caller): boolean {
  const { custodian, account, client, organisation } = job.caller;
  return (
    caller.custodian === custodian &&
    caller.account === account &&
    caller.client === client &&
    caller.organisation === organisation
  );
}
