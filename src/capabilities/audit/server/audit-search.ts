import type { AuditEvent, Coding } from '@medplum/fhirtypes';
import { dateInterval } from '../../../fhir/search/date-interval.ts';
import { splitPrefix } from '../../../fhir/search/prefix.ts';
import { reject } from './reject-audit.ts';

/** A search of AuditEvent (IHE ITI-81), understood. */
export interface AuditSearch {
  /** Id of the Patient whose events are asked for. */
  readonly patient?: string;
  /** Times of which events may be: from the first up to the second, in milliseconds, ends included. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly count: number;
  readonly after?: string;
  /** Decisions behind permits are events of their own for those who ask for such types alone. */
  readonly wantsDecisions: boolean;
  /** Values of `entity`: what they name in the vault is looked up before events are asked about. */
  readonly entities: readonly string[];
  /** What an event must meet besides; `isAbout` says of a value of `entity` what only the journal's entry tells. */
  readonly matches: (event: AuditEvent, isAbout?: (value: string) => boolean) => boolean;
  /** Names and values that were understood, for the self link. */
  readonly understood: readonly (readonly [name: string, value: string])[];
}

/**
 * Parameters that are served, with R4's kinds of them: those of ITI-81 (IHE ITI TF-2 3.81.4.1.2) that a journal entry can
 * answer, and `purpose`, which is our own.
 */
export const AUDIT_PARAMETERS: readonly (readonly [name: string, type: string])[] = [
  ['_id', 'token'],
  ['date', 'date'],
  ['patient', 'reference'],
  ['agent', 'reference'],
  ['action', 'token'],
  ['type', 'token'],
  ['subtype', 'token'],
  ['outcome', 'token'],
  ['entity', 'reference'],
  ['entity-type', 'token'],
  ['entity-role', 'token'],
  ['source', 'reference'],
  ['purpose', 'token'],
];

const MAX_COUNT = 200;
const DEFAULT_COUNT = 50;
/** Longest value, in characters, and most parameters of one search. */
const MAX_VALUE = 512;
const MAX_PARAMETERS = 32;
const MOST_TIMES = 8_640_000_000_000_000;

/** Of ITI-81 too, but of what no entry holds: an empty answer would say that there was no such event. */
const UNANSWERABLE: ReadonlySet<string> = new Set(['address']);

type Test = (event: AuditEvent, isAbout: (value: string) => boolean) => boolean;

/** Reads a query. Throws AUDIT_PARAMETER_UNKNOWN, _INVALID, _UNANSWERABLE {parameter}. */
export function parseAuditSearch(query: URLSearchParams): AuditSearch {
  if (query.size > MAX_PARAMETERS) throw reject('AUDIT_PARAMETER_INVALID', { parameter: 'query' });
  const tests: Test[] = [];
  const understood: (readonly [string, string])[] = [];
  let [fromMs, untilMs, count] = [-MOST_TIMES, MOST_TIMES, DEFAULT_COUNT];
  let patient: string | undefined;
  let after: string | undefined;
  let wantsDecisions = false;
  const entities: string[] = [];
  for (const [name, value] of query) {
    if (value === '' || value.length > MAX_VALUE) throw invalid(name);
    if (name !== '_after') understood.push([name, value]);
    switch (name) {
      case '_format':
      case '_pretty':
        break;
      case '_count':
        if (!/^\d{1,6}$/.test(value)) throw invalid(name);
        count = Math.max(1, Math.min(MAX_COUNT, Number(value)));
        break;
      case '_after':
        after = value;
        break;
      case '_sort':
        if (value !== '-date') throw invalid(name);
        break;
      case '_total':
        if (value !== 'none') throw invalid(name);
        break;
      case 'date': {
        const range = dateRange(value);
        [fromMs, untilMs] = [Math.max(fromMs, range.fromMs), Math.min(untilMs, range.untilMs)];
        break;
      }
      case 'patient':
      case 'patient:Patient': {
        const id = /^(?:.{0,256}\/)?(?:Patient\/)?([A-Za-z0-9\-.]{1,64})$/.exec(value)?.[1];
        if (id === undefined || (patient !== undefined && patient !== id)) throw invalid(name);
        patient = id;
        break;
      }
      default:
        if (name === 'type' || name === 'subtype') wantsDecisions = true;
        if (name === 'entity') entities.push(...value.split(','));
        tests.push(testOf(name, value));
    }
  }
  return {
    ...{ fromMs, untilMs, count, wantsDecisions, entities, understood },
    ...(patient === undefined ? {} : { patient }),
    ...(after === undefined ? {} : { after }),
    // The date is asked of the event too: its place in the journal is not quite that of its time.
    matches: (event, isAbout = () => false) => {
      const timeMs = Date.parse(event.recorded ?? '');
      return timeMs >= fromMs && timeMs <= untilMs && tests.every((test) => test(event, isAbout));
    },
  };
}

/** Values separated by commas mean any of them (R4 §3.1.1.3). */
function testOf(name: string, value: string): Test {
  const tests = value.split(',').map((one) => oneTest(name, one));
  return (event, isAbout) => tests.some((test) => test(event, isAbout));
}

function oneTest(name: string, value: string): Test {
  switch (name) {
    case '_id':
      return ({ id }) => id === value;
    case 'action':
      return ({ action }) => action === codeIn(value);
    case 'outcome':
      return ({ outcome }) => outcome === codeIn(value);
    case 'type':
      return ({ type }) => hasCode([type], value);
    case 'subtype':
      return ({ subtype }) => hasCode(subtype ?? [], value);
    case 'purpose':
      return ({ purposeOfEvent }) =>
        hasCode(
          (purposeOfEvent ?? []).flatMap(({ coding }) => coding ?? []),
          value,
        );
    case 'agent':
    case 'agent:identifier':
    case 'agent.identifier':
      return ({ agent }) => agent.some(({ who }) => isReferred(who, value));
    case 'entity':
      return ({ entity = [] }, isAbout) => entity.some(({ what }) => isReferred(what, value)) || isAbout(value);
    case 'entity:identifier':
    case 'entity.identifier':
      return ({ entity = [] }) => entity.some(({ what }) => isReferred(what, value));
    case 'entity-type':
      return ({ entity = [] }) =>
        hasCode(
          entity.map(({ type }) => type),
          value,
        );
    case 'entity-role':
      return ({ entity = [] }) =>
        hasCode(
          entity.map(({ role }) => role),
          value,
        );
    case 'patient:identifier':
    case 'patient.identifier':
      return ({ entity = [] }) => entity.some(({ what }) => what?.type === 'Patient' && isReferred(what, value));
    case 'source':
    case 'source:identifier':
    case 'source.identifier':
      return ({ source }) => isReferred(source.observer, value);
    default:
      throw reject(UNANSWERABLE.has(name) ? 'AUDIT_PARAMETER_UNANSWERABLE' : 'AUDIT_PARAMETER_UNKNOWN', {
        parameter: name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?'),
      });
  }
}

interface Referred {
  readonly reference?: string;
  readonly identifier?: { readonly system?: string; readonly value?: string };
}

/** By reference, relative or whole, of any version where none is named; or by identifier, with its system or without. */
function isReferred({ reference, identifier }: Referred = {}, value: string): boolean {
  if (reference !== undefined) {
    for (const one of [reference, reference.replace(/\/_history\/[0-9]+$/, '')])
      if (one === value || one.endsWith(`/${value}`)) return true;
  }
  if (identifier?.value === undefined) return false;
  return identifier.value === value || `${identifier.system ?? ''}|${identifier.value}` === value;
}

function hasCode(codings: readonly (Coding | undefined)[], value: string): boolean {
  const bar = value.indexOf('|');
  const [system, code] = bar < 0 ? [undefined, value] : [value.slice(0, bar), value.slice(bar + 1)];
  return codings.some(
    (one) =>
      one !== undefined &&
      (code === '' || one.code === code) &&
      (system === undefined || (one.system ?? '') === system),
  );
}

function codeIn(value: string): string {
  return value.slice(value.indexOf('|') + 1);
}

/** Prefixes by R4 §3.1.1.4.4; an event's time is a point. */
function dateRange(text: string): { readonly fromMs: number; readonly untilMs: number } {
  const { prefix, rest } = splitPrefix(text);
  const interval = dateInterval(rest.replace(' ', '+'));
  if (interval === undefined) throw invalid('date');
  const { low, high } = interval;
  switch (prefix) {
    case 'eq':
      return { fromMs: low, untilMs: high };
    case 'ge':
      return { fromMs: low, untilMs: MOST_TIMES };
    case 'le':
      return { fromMs: -MOST_TIMES, untilMs: high };
    case 'gt':
    case 'sa':
      return { fromMs: high + 1, untilMs: MOST_TIMES };
    case 'lt':
    case 'eb':
      return { fromMs: -MOST_TIMES, untilMs: low - 1 };
    default:
      throw invalid('date');
  }
}

function invalid(parameter: string) {
  return reject('AUDIT_PARAMETER_INVALID', { parameter: parameter.slice(0, 64).replace(/[^\x20-\x7e]/g, '?') });
}
