import type { VersionRow } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';

/** What the current version must be for a write to go on. */
export interface WritePrecondition {
  /** Version that must be the current one (If-Match), or `*` for any that is not deleted. */
  readonly ifMatch?: number | '*';
  /** There must be none (If-None-Match: *). */
  readonly ifAbsent?: true;
}

/** Headers, or members of a Bundle entry's request, that say on which condition something is done. */
export interface PreconditionHeaders {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: string;
}

/** `W/"3"` or `"3"`, or `*`, to what is asked of the current version. Throws PRECONDITION_MALFORMED. */
export function writePrecondition({ ifMatch, ifNoneMatch }: PreconditionHeaders): WritePrecondition {
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: matchOf(ifMatch.trim()) }),
    ...(ifNoneMatch === undefined ? {} : { ifAbsent: absentOf(ifNoneMatch.trim()) }),
  };
}

function matchOf(header: string): number | '*' {
  if (header === '*') return '*';
  const version = /^(?:W\/)?"([1-9][0-9]{0,9})"$/.exec(header)?.[1];
  if (version === undefined) throw rejectFhir('PRECONDITION_MALFORMED', { header: 'If-Match' });
  return Number(version);
}

/** Of a write only `*` makes sense: that there is nothing yet. */
function absentOf(header: string): true {
  if (header !== '*') throw rejectFhir('PRECONDITION_MALFORMED', { header: 'If-None-Match' });
  return true;
}

/** Throws VERSION_MISMATCH, ALREADY_EXISTS; neither says which version is current, which the writer may not see. */
export function checkPrecondition({ ifMatch, ifAbsent }: WritePrecondition, current: VersionRow | undefined): void {
  if (ifMatch === undefined && ifAbsent === undefined) return;
  const live = current !== undefined && !current.deleted;
  if (ifAbsent === true && live) throw rejectFhir('ALREADY_EXISTS');
  if (ifMatch === undefined || (live && (ifMatch === '*' || ifMatch === current.version))) return;
  throw rejectFhir('VERSION_MISMATCH');
}

/**
 * True when the client has this version already (R4 §3.1.0.2.1, conditional read; RFC 9110 §13.1.2, §13.1.3): one of the
 * tags of If-None-Match names it, or without that header it is no younger than If-Modified-Since, in whole seconds.
 * Throws PRECONDITION_MALFORMED.
 */
export function isUnmodified({ ifNoneMatch, ifModifiedSince }: PreconditionHeaders, row: VersionRow): boolean {
  if (ifNoneMatch !== undefined) {
    return ifNoneMatch.split(',').some((tag) => {
      const text = tag.trim();
      if (text === '*') return true;
      // A tag may be any text: one that this server did not make names no version.
      return text.replace(/^W\//, '') === `"${row.version}"`;
    });
  }
  if (ifModifiedSince === undefined) return false;
  const sinceMs = Date.parse(ifModifiedSince);
  if (Number.isNaN(sinceMs) || ifModifiedSince.length > 64) {
    throw rejectFhir('PRECONDITION_MALFORMED', { header: 'If-Modified-Since' });
  }
  return Math.floor(row.timeMs / 1000) * 1000 <= sinceMs;
}
