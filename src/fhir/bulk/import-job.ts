import type { ImportCount } from '../import-bundle.ts';
import type { Ended } from './bulk-job.ts';
import type { FileExtent } from './sealed-frames.ts';

/** What an import was asked for: nothing but the address that it came to. */
export interface ImportRequest {
  readonly url: string;
}

/**
 * How far an import is. Its lines are gone through in passes: what refers to a line further on is written in a later one.
 * Writing again what is stored changes nothing, so a piece that a crash cut short is simply done again.
 */
export interface ImportProgress {
  /** The body as it came. */
  readonly input: FileExtent;
  /** Refusals of this pass; each pass has a file of its own. */
  readonly errors: FileExtent;
  readonly pass: number;
  /** Pieces of the input that this pass is done with, and the number of the next line, from 1. */
  readonly frame: number;
  readonly line: number;
  /** Of all passes. */
  readonly created: number;
  readonly updated: number;
  /** Of this pass. */
  readonly unchanged: number;
  readonly failed: number;
  readonly unresolved: number;
  readonly changed: number;
  readonly ended?: Ended;
}

const INPUT = 0;

export function emptyFile(number: number): FileExtent {
  return { number, sealedBytes: 0, frames: 0, bytes: 0 };
}

export const INPUT_FILE: FileExtent = emptyFile(INPUT);

export function firstPass(input: FileExtent): ImportProgress {
  return nextPass({ input, pass: 0, created: 0, updated: 0 });
}

export function nextPass({
  input,
  pass,
  created,
  updated,
}: Pick<ImportProgress, 'input' | 'pass' | 'created' | 'updated'>): ImportProgress {
  return {
    ...{ input, created, updated, pass: pass + 1, errors: emptyFile(INPUT + pass + 1) },
    ...{ frame: 0, line: 1, unchanged: 0, failed: 0, unresolved: 0, changed: 0 },
  };
}

/** Counts as `aceso import` tells them. */
export function countOf({ created, updated, unchanged, changed, pass }: ImportProgress): ImportCount {
  // What earlier passes wrote is found stored by the last one.
  return { created, updated, unchanged: pass === 1 ? unchanged : unchanged - (created + updated - changed) };
}
