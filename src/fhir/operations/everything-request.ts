import { base64urlToBytes, bytesToBase64url, utf8, utf8ToText } from '../../std/bytes.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext } from '../context.ts';
import { dateInterval, type Interval } from '../search/date-interval.ts';
import type { Compartment } from './compartments.ts';
import type { OperationCall } from './operation.ts';
import { countValue, requireKnown, simpleValue } from './operation-input.ts';

/** Where a page begins: in the resources of a type, after the one that the cursor names. */
export interface Place {
  readonly type: string;
  readonly after?: string;
}

/** `$everything` as it was understood. */
export interface EverythingRequest {
  /** Most matches on a page. */
  readonly count: number;
  /** Types that are answered; absent for all. */
  readonly types?: ReadonlySet<string>;
  /** Range of care dates; absent for all times. */
  readonly range?: Interval;
  /** Only what was updated since, as it was given. */
  readonly since?: string;
  readonly place?: Place;
  /** Parameters as they were understood, for links. */
  readonly understood: readonly (readonly [name: string, value: string])[];
}

/** Where a page goes on, in links that this server made. */
const CURSOR = '_cursor';
const MAX_CURSOR_CHARS = 4096;
const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/;
const DAY = /^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?$/;

/**
 * Reads the parameters of `$everything`: `start` and `end` (Patient only), `_since`, `_type`, `_count`. Without
 * `_count` a page is as long as the server gives. Throws PARAMETER_UNKNOWN, PARAMETER_INVALID, PAGE_INVALID.
 */
export function everythingRequest(context: FhirContext, of: Compartment, call: OperationCall): EverythingRequest {
  const own = of === 'Patient' ? ['start', 'end'] : [];
  requireKnown(call, [...own, '_since', '_type', '_count', CURSOR]);
  const count = countValue(call, '_count', context.limits.pageMax);
  const types = typesOf(context, call);
  const range = of === 'Patient' ? rangeOf(call) : undefined;
  const since = simpleValue(call, '_since');
  if (since !== undefined && (!INSTANT.test(since) || dateInterval(since) === undefined)) throw invalid('_since');
  const cursor = simpleValue(call, CURSOR);
  const known = new Set([...own, '_since', '_type', '_count']);
  return {
    count: count ?? context.limits.pageMax,
    ...(types === undefined ? {} : { types }),
    ...(range === undefined ? {} : { range }),
    ...(since === undefined ? {} : { since }),
    ...(cursor === undefined ? {} : { place: cursorToPlace(cursor) }),
    understood: [...call.parameters].filter(([name]) => known.has(name)),
  };
}

function typesOf({ definitions }: FhirContext, { parameters }: OperationCall): ReadonlySet<string> | undefined {
  const named = parameters.getAll('_type').flatMap((list) => list.split(','));
  if (named.length === 0) return undefined;
  if (!named.every((type) => Object.hasOwn(definitions.resources, type))) throw invalid('_type');
  return new Set(named);
}

function rangeOf(call: OperationCall): Interval | undefined {
  const [from, to] = ['start', 'end'].map((name) => {
    const value = simpleValue(call, name);
    if (value === undefined) return undefined;
    const interval = DAY.test(value) ? dateInterval(value) : undefined;
    if (interval === undefined) throw invalid(name);
    return interval;
  });
  if (from === undefined && to === undefined) return undefined;
  return { low: from?.low ?? Number.NEGATIVE_INFINITY, high: to?.high ?? Number.POSITIVE_INFINITY };
}

/** Text of a link that goes on at `place`, or is the page itself when there is none. */
export function linkOf(address: string, { understood }: EverythingRequest, place: Place | undefined): string {
  const query = new URLSearchParams(understood.map(([name, value]) => [name, value]));
  if (place !== undefined) query.set(CURSOR, bytesToBase64url(utf8(`${place.type} ${place.after ?? ''}`)));
  return query.size === 0 ? address : `${address}?${query}`;
}

function cursorToPlace(cursor: string): Place {
  const bytes = cursor.length > MAX_CURSOR_CHARS ? undefined : base64urlToBytes(cursor);
  if (bytes === undefined) throw rejectFhir('PAGE_INVALID');
  try {
    const [type = '', after = ''] = utf8ToText(bytes).split(/ (.*)/s);
    return after === '' ? { type } : { type, after };
  } catch {
    throw rejectFhir('PAGE_INVALID');
  }
}

function invalid(parameter: string): Error {
  return rejectFhir('PARAMETER_INVALID', { parameter });
}
