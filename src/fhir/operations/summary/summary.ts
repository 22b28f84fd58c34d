import { randomUUID } from 'node:crypto';
import type { VersionRow } from '../../../vault/vault.ts';
import { rejectFhir } from '../../codes.ts';
import type { FhirContext, FhirResult } from '../../context.ts';
import type { FhirOperation, OperationCall } from '../operation.ts';
import { requireKnown, simpleValue } from '../operation-input.ts';
import type { OpenVisibleData, VisibleData } from '../visible-data.ts';
import { buildSummary, COMPOSITION_PROFILE } from './build-summary.ts';
import { localNamesIn } from './chart-record.ts';
import { rejectSummary } from './codes.ts';
import { type ChartRow, loadAll, loadRow, ofAccount } from './load-chart.ts';
import { chooseSections, SUMMARY_TYPES } from './summary-sections.ts';

/** Resources that a summary takes along because others refer to them. */
const MAX_SUPPORTING = 5_000;
/** References looked up at a time. */
const AT_ONCE = 100;

/**
 * `Patient/$summary` and `Patient/[id]/$summary` (IPS 2.0, OperationDefinition summary): the patient's summary as a
 * document, made anew from what the caller may see. Throws NOT_FOUND, SUMMARY_PATIENT_AMBIGUOUS,
 * SUMMARY_PROFILE_UNSUPPORTED, SEARCH_TOO_COSTLY.
 */
export function createSummary(open: OpenVisibleData): FhirOperation {
  return {
    name: '$summary',
    definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary',
    on: ['type', 'instance'],
    types: ['Patient'],
    get: true,
    run: (context, call) => summary(context, open(context), call),
  };
}

async function summary(context: FhirContext, data: VisibleData, call: OperationCall): Promise<FhirResult> {
  requireKnown(call, call.id === undefined ? ['identifier', 'profile'] : ['profile']);
  const profile = simpleValue(call, 'profile');
  if (profile !== undefined && profile !== COMPOSITION_PROFILE && profile !== `${COMPOSITION_PROFILE}|2.0.0`)
    throw rejectSummary('SUMMARY_PROFILE_UNSUPPORTED');
  const row = await patientRow(data, call);
  if (row === undefined) {
    await data.journal();
    throw rejectFhir('NOT_FOUND');
  }
  const patient = await loadRow(data, row);
  const records: ChartRow[] = [];
  for (const type of SUMMARY_TYPES) records.push(...(await loadAll(data, type, ofAccount(row.account))));
  const sections = chooseSections(records);
  const entries = sections.flatMap((section) => section.entries as readonly ChartRow[]);
  const supporting = await supportingRecords(context, data, [patient, ...entries]);
  // Those that are left out of a full section, or that a newer one of their code stands for, leave nothing behind.
  data.show([patient, ...entries, ...supporting].map((record) => record.row));
  await data.journal();
  const { baseUrl, clock } = context;
  const parts = { patient, sections, supporting, baseUrl, timeMs: clock(), newUuid: randomUUID };
  return { status: 200, body: buildSummary(parts) };
}

async function patientRow(data: VisibleData, call: OperationCall): Promise<VersionRow | undefined> {
  if (call.id !== undefined) return (await data.current([{ type: 'Patient', id: call.id }]))[0];
  const identifier = simpleValue(call, 'identifier');
  if (identifier === undefined) throw rejectFhir('PARAMETER_INVALID', { parameter: 'identifier' });
  const clauses = data.clauses('Patient', [['identifier', identifier]]);
  const { matches } = await data.find({ type: 'Patient', clauses, count: 2 });
  if (matches.length > 1) throw rejectSummary('SUMMARY_PATIENT_AMBIGUOUS');
  return matches[0]?.row;
}

/**
 * What the records refer to, also by way of each other, so that the document stands alone: of the patient's account and
 * of the custodian's own. Records of another patient never come along, whoever refers to them.
 */
async function supportingRecords(
  { baseUrl, caller, limits }: FhirContext,
  data: VisibleData,
  from: readonly ChartRow[],
): Promise<readonly ChartRow[]> {
  const account = from[0]?.row.account;
  const isWanted = (row: VersionRow) =>
    row.type !== 'Patient' && (row.account === account || row.account === caller.custodian);
  const known = new Set(from.map(({ name }) => name));
  const supporting: ChartRow[] = [];
  let chars = from.reduce((sum, { text }) => sum + text.length, 0);
  for (let reached: readonly ChartRow[] = from; reached.length > 0; ) {
    const names = new Set(
      reached.flatMap((record) => localNamesIn(record, baseUrl)).filter((name) => !known.has(name)),
    );
    for (const name of names) known.add(name);
    const next: ChartRow[] = [];
    const list = [...names].map((name) => {
      const [type, id] = name.split('/') as [string, string];
      return { type, id };
    });
    for (let at = 0; at < list.length; at += AT_ONCE) {
      for (const row of await data.current(list.slice(at, at + AT_ONCE), isWanted)) {
        const record = await loadRow(data, row);
        next.push(record);
        chars += record.text.length;
      }
      if (supporting.length + next.length > MAX_SUPPORTING || chars > limits.bundleBytes)
        throw rejectFhir('SEARCH_TOO_COSTLY', { limit: MAX_SUPPORTING });
    }
    supporting.push(...next);
    reached = next;
  }
  return supporting;
}
