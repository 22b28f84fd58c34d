import { rejectPatch } from './codes.ts';

/** Bounds of one patch. */
export interface PatchLimits {
  readonly operations: number;
  /** Characters of the resource that comes out. */
  readonly resultChars: number;
  /** Characters that all operations together may read or write: copies of copies end here. */
  readonly workChars: number;
  /** Steps of one JSON Pointer. */
  readonly pointerSteps: number;
  /** Characters of one FHIRPath. */
  readonly pathChars: number;
}

export const PATCH_LIMITS: PatchLimits = {
  operations: 1000,
  resultChars: 2 * 1024 * 1024,
  workChars: 64 * 1024 * 1024,
  pointerSteps: 64,
  pathChars: 1000,
};

/** What one patch may still do. */
export class PatchWork {
  readonly limits: PatchLimits;
  private left: number;

  constructor(limits: PatchLimits) {
    this.limits = limits;
    this.left = limits.workChars;
  }

  /** Throws PATCH_TOO_COSTLY once the patch has done more than it may. */
  spend(chars: number): void {
    this.left -= chars;
    if (this.left < 0) throw rejectPatch('PATCH_TOO_COSTLY', { limitChars: this.limits.workChars });
  }

  count(operations: number): void {
    const limit = this.limits.operations;
    if (operations > limit) throw rejectPatch('PATCH_TOO_COSTLY', { operations, limit });
  }
}
