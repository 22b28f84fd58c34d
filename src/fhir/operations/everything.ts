import type { Criterion } from '../../vault/index/index-query.ts';
import type { VersionRow } from '../../vault/vault.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext, FhirResult } from '../context.ts';
import { informationOutcome } from '../outcome.ts';
import type { ParsedResource } from '../patient-account.ts';
import { aboutPaths } from '../record-kinds.ts';
import type { SearchClause } from '../search/search-clause.ts';
import { isWithinCare } from './care-dates.ts';
import { type Compartment, compartmentParameters, compartmentTypes } from './compartments.ts';
import { type EverythingRequest, everythingRequest, linkOf, type Place } from './everything-request.ts';
import type { FhirOperation, OperationCall } from './operation.ts';
import { type SearchsetEntry, searchsetText } from './searchset.ts';
import { supportingRows } from './supporting-rows.ts';
import type { OpenVisibleData, VisibleData } from './visible-data.ts';

/** Versions opened at a time: a page's memory is bounded by characters, and this is how far it can overshoot. */
const AT_ONCE = 50;

/**
 * `Patient/[id]/$everything` and `Encounter/[id]/$everything` (R4 OperationDefinition-Patient-everything,
 * -Encounter-everything): what is in the compartment, for a patient also all else of the account, and what the
 * custodian keeps that it refers to (practitioners, organisations, locations, medications, …). Paged; each page
 * stands alone with what its resources refer to (R4 §3.1.1.5.4). Records of another patient never come along.
 */
export function createEverything(open: OpenVisibleData): readonly FhirOperation[] {
  return (['Patient', 'Encounter'] as const).map((of) => ({
    name: '$everything',
    definition: `http://hl7.org/fhir/OperationDefinition/${of}-everything`,
    on: ['instance'],
    types: [of],
    get: true,
    run: (context, call) => everything(context, open(context), of, call),
  }));
}

/** What is walked through: types in order, and what a type's resources must meet. */
interface Walk {
  readonly types: readonly string[];
  clauses(type: string): readonly SearchClause[];
}

async function everything(
  context: FhirContext,
  data: VisibleData,
  of: Compartment,
  call: OperationCall,
): Promise<FhirResult> {
  const request = everythingRequest(context, of, call);
  const id = call.id ?? '';
  const [root] = await data.current([{ type: of, id }]);
  if (root === undefined) {
    await data.journal();
    throw rejectFhir('NOT_FOUND');
  }
  const walk = walkOf(context, data, root, of, request);
  const page = await walkPage(context, data, walk, request);
  const supporting = await supportingRows(context, data, {
    from: page.visited,
    // A patient's own resources are walked to in their turn, an encounter's may be anywhere in the patient's account.
    isWanted: ({ account }) => account === context.caller.custodian || (of === 'Encounter' && account === root.account),
    isShown: ({ type }) => request.types?.has(type) ?? true,
  });
  data.show(page.shown);
  // Those that are not shown themselves still tell what was referred to.
  if (supporting.rows.length > 0) data.show(page.visited);
  data.show(supporting.rows);
  const entries = [
    ...(await entriesOf(context, data, page.shown, 'match')),
    ...(await entriesOf(context, data, supporting.rows, 'include')),
  ];
  if (supporting.isCut) entries.push(cutEntry());
  await data.journal();
  const address = `${context.baseUrl}/${of}/${id}/$everything`;
  const links: [string, string][] = [['self', linkOf(address, request, request.place)]];
  if (page.next !== undefined) links.push(['next', linkOf(address, request, page.next)]);
  return { status: 200, body: searchsetText(links, entries) };
}

function walkOf(
  { definitions }: FhirContext,
  data: VisibleData,
  root: VersionRow,
  of: Compartment,
  { types: asked, since }: EverythingRequest,
): Walk {
  // Resources that are about a patient without being in the compartment (Device, Binary) belong to the account all the same.
  const ofAccount = Object.keys(definitions.resources).filter(
    (type) => (definitions.resources[type]?.compartment.length ?? 0) > 0 || aboutPaths(type).length > 0,
  );
  const others = new Set([...compartmentTypes(of), ...(of === 'Patient' ? ofAccount : [])]);
  others.delete(of);
  const all = [of, ...[...others].sort()];
  // What was asked for may be referred to by any of them.
  const types =
    asked === undefined || ![...asked].every((type) => all.includes(type))
      ? all
      : all.filter((type) => asked.has(type));
  return {
    types,
    clauses(type) {
      const targets = [{ type: of, id: root.id }];
      const names = compartmentParameters(of, type).flatMap((parameter) => data.indexNames(type, parameter));
      const any = [...new Set(names)].map((parameter): Criterion => ({ kind: 'link', parameter, targets }));
      if (of === 'Patient') any.push({ kind: 'account', accounts: [root.account] });
      else if (type === of) any.push({ kind: 'id', ids: [root.id] });
      const clause: SearchClause = { kind: 'value', criterion: { kind: 'any', of: any } };
      return since === undefined ? [clause] : [clause, ...data.clauses(type, [['_lastUpdated', `ge${since}`]])];
    },
  };
}

interface Page {
  /** Rows that were looked at and lie in the range; those of `shown` among them. */
  readonly visited: readonly VersionRow[];
  readonly shown: readonly VersionRow[];
  readonly next?: Place;
}

/** Walks on until the page is full, or as long as a request may take: then it ends early, with a link to go on. */
async function walkPage(
  { limits }: FhirContext,
  data: VisibleData,
  { types, clauses }: Walk,
  { count, types: asked, range, place }: EverythingRequest,
): Promise<Page> {
  const first = place === undefined ? 0 : types.indexOf(place.type);
  if (first === -1) throw rejectFhir('PAGE_INVALID');
  const visited: VersionRow[] = [];
  const shown: VersionRow[] = [];
  let [looked, chars] = [0, 0];
  const isFull = () => shown.length >= count || looked >= limits.scannedRows || chars >= limits.bundleBytes;
  for (const [index, type] of types.entries()) {
    if (index < first) continue;
    if (isFull()) return { visited, shown, next: { type } };
    let after = index === first ? place?.after : undefined;
    for (let more = true; more; ) {
      if (isFull()) return { visited, shown, next: { type, ...(after === undefined ? {} : { after }) } };
      const wanted = Math.min(AT_ONCE, count - shown.length, limits.scannedRows - looked);
      const found = await data.find({
        ...{ type, clauses: clauses(type), count: wanted },
        ...(after === undefined ? {} : { after }),
      });
      looked += found.matches.length;
      for (const { row } of found.matches) {
        const text = await data.text(row);
        chars += text.length;
        if (range !== undefined && !isWithinCare(JSON.parse(text) as ParsedResource, range)) continue;
        visited.push(row);
        if (asked?.has(type) ?? true) shown.push(row);
      }
      after = found.matches.at(-1)?.cursor() ?? after;
      more = found.more && found.matches.length > 0;
    }
  }
  return { visited, shown };
}

async function entriesOf(
  { baseUrl }: FhirContext,
  data: VisibleData,
  rows: readonly VersionRow[],
  mode: 'match' | 'include',
): Promise<SearchsetEntry[]> {
  const entries: SearchsetEntry[] = [];
  for (const row of rows)
    entries.push({ fullUrl: `${baseUrl}/${row.type}/${row.id}`, resource: await data.text(row), mode });
  return entries;
}

function cutEntry(): SearchsetEntry {
  const outcome = informationOutcome('More is referred to than this page holds; ask for pages of fewer with _count.');
  return { resource: JSON.stringify(outcome), mode: 'outcome' };
}
