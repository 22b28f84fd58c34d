import type { Caller } from '../../auth/caller.ts';
import type { Criterion } from '../../vault/index/index-query.ts';
import type { Vault, VersionRow } from '../../vault/vault.ts';
import { r4Conformance } from '../conformance.ts';
import type { FhirContext } from '../context.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { LIMITS } from '../limits.ts';
import type { ParsedResource } from '../patient-account.ts';
import { referencesIn } from '../references.ts';
import type { SearchClause } from '../search/search-clause.ts';
import type { OperationCall } from './operation.ts';
import type { OpenVisibleData } from './visible-data.ts';

export const CUSTODIAN = 'c'.repeat(32);
export const BASE_URL = 'http://aceso.example/fhir';

/** Versions in memory, with policy that tests steer, and what was journalled laid open. */
export interface TestData {
  readonly open: OpenVisibleData;
  readonly context: FhirContext;
  /** Leaves that left, request after request. */
  readonly journalled: string[][];
  /** Hides a resource from the caller, or shows it again. */
  readonly hidden: Set<string>;
  readonly searches: { count: number };
  add(resource: ParsedResource & { id: string }, account: string, timeMs?: number): void;
}

export async function createTestData(limits: Partial<typeof LIMITS> | Record<string, number> = {}): Promise<TestData> {
  const rows: { row: VersionRow; resource: ParsedResource; text: string }[] = [];
  const byName = new Map<string, (typeof rows)[number]>();
  const journalled: string[][] = [];
  const hidden = new Set<string>();
  const searches = { count: 0 };
  const nameOf = ({ type, id }: { type: string; id: string }) => `${type}/${id}`;
  const isVisible = (row: VersionRow) => !hidden.has(nameOf(row));
  const textOf = (row: VersionRow) => byName.get(nameOf(row))?.text ?? '';
  const open: OpenVisibleData = () => {
    const shown = new Set<string>();
    let isJournalled = false;
    return {
      async find({ type, clauses, count, after }) {
        searches.count++;
        const all = rows.filter(
          ({ row, resource, text }) =>
            row.type === type && isVisible(row) && clauses.every((clause) => holds(clause, row, resource, text)),
        );
        const from = after === undefined ? 0 : all.findIndex(({ row }) => row.id === after) + 1;
        const matches = all.slice(from, from + count).map(({ row }) => ({ row, cursor: () => row.id }));
        return { matches, more: all.length > from + count };
      },
      async current(names, wanted = () => true) {
        return names.flatMap((name) => {
          const row = byName.get(nameOf(name))?.row;
          return row !== undefined && wanted(row) && isVisible(row) ? [row] : [];
        });
      },
      clauses: (_type, parameters) =>
        parameters.map(([name, value]) => ({
          kind: 'value',
          matches: (resource) => meets(resource, name, value.replace(/\\(.)/g, '$1')),
        })),
      indexNames: (_type, parameter) => [parameter],
      text: async (row) => textOf(row),
      show(list) {
        if (isJournalled) throw new Error('shown after it was journalled');
        for (const { leaf } of list) shown.add(leaf);
      },
      async journal() {
        isJournalled = true;
        journalled.push([...shown].sort());
      },
    };
  };
  const context: FhirContext = {
    ...r4Conformance(await loadDefinitions()),
    baseUrl: BASE_URL,
    clock: () => 0,
    access: { read: notAsked, write: notAsked },
    registration: { register: notAsked, registerMany: notAsked },
    limits: { ...LIMITS, ...limits },
    reportFailure: notAsked,
    vault: {} as Vault,
    caller: {
      ...{ custodian: CUSTODIAN, account: 'a'.repeat(32), kind: 'practitioner', organisation: CUSTODIAN },
      ...{ roles: [], purpose: 'TREAT' },
    } as Caller,
  };
  return {
    ...{ open, context, journalled, hidden, searches },
    add(resource, account, timeMs = 0) {
      const { resourceType: type, id } = resource;
      const meta = { lastUpdated: new Date(timeMs).toISOString() };
      const row: VersionRow = {
        ...{ account, type, id, version: 1, action: 'create', timeMs, author: account, previous: '' },
        ...{ deleted: false, leaf: nameOf({ type, id }), generation: 1, journalIndex: rows.length, blob: '' },
        ...{ labels: [], categories: [], erased: false },
      };
      const kept = { row, resource: { ...resource, meta }, text: JSON.stringify({ ...resource, meta }) };
      rows.push(kept);
      byName.set(nameOf(row), kept);
    },
  };
}

/** A call as the router makes it. */
export function testCall(part: Partial<OperationCall> & { query?: string; lenient?: boolean } = {}): OperationCall {
  const { query = '', lenient = false, ...call } = part;
  const parameters = new URLSearchParams(query);
  return {
    parameters,
    request: { method: 'GET', path: '', query: parameters, prefer: { lenient } },
    ...call,
  };
}

function notAsked(): never {
  throw new Error('not asked in these tests');
}

function holds(clause: SearchClause, row: VersionRow, resource: ParsedResource, text: string): boolean {
  if (clause.kind !== 'value') return notAsked();
  const { criterion, matches } = clause;
  return (criterion === undefined || selects(criterion, row, text)) && (matches?.(resource) ?? true);
}

function selects(criterion: Criterion, row: VersionRow, text: string): boolean {
  if (criterion.kind === 'any') return criterion.of.some((one) => selects(one, row, text));
  if (criterion.kind === 'account') return criterion.accounts.includes(row.account);
  if (criterion.kind === 'id') return criterion.ids.includes(row.id);
  if (criterion.kind !== 'link') return notAsked();
  const names = new Set(criterion.targets.map(({ type, id }) => `${type}/${id}`));
  return referencesIn(text).some(({ value }) => names.has(value));
}

function meets(resource: ParsedResource, name: string, value: string): boolean {
  const all = (of: string) => (resource[of] ?? []) as readonly Record<string, unknown>[];
  const starts = (text: unknown) =>
    String(text ?? '')
      .toLowerCase()
      .startsWith(value.toLowerCase());
  if (name === '_lastUpdated')
    return Date.parse((resource.meta as { lastUpdated: string }).lastUpdated) >= Date.parse(value.slice(2));
  if (name === 'identifier')
    return all('identifier').some((one) => `${one.system}|${one.value}` === value || one.value === value);
  if (name === 'telecom') return all('telecom').some((one) => one.value === value);
  if (name === 'birthdate') return String(resource.birthDate ?? '').startsWith(value);
  if (name === 'family') return all('name').some(({ family }) => starts(family));
  if (name === 'given') return all('name').some(({ given }) => ((given ?? []) as string[]).some(starts));
  return notAsked();
}
