import { utf8ToText } from '../../std/bytes.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { Conformance } from '../conformance.ts';
import type { FhirContext } from '../context.ts';
import { parseSearch } from '../search/parse-search.ts';
import { createTerminologyOperations } from '../terminology/operations/terminology-operations.ts';
import type { TerminologyKind } from '../terminology/terminology-store.ts';
import { createEverything } from './everything.ts';
import { createMatch } from './match.ts';
import type { FhirOperation } from './operation.ts';
import { createDocref } from './summary/docref.ts';
import { createLastn } from './summary/lastn.ts';
import { createSummary } from './summary/summary.ts';
import { createValidate } from './validate.ts';
import { openVisibleData } from './vault-visible-data.ts';
import type { VisibleData } from './visible-data.ts';

/** The operations of R4 and its guides that need nothing but the vault's records and the definitions. */
export function createFhirOperations(conformance: Pick<Conformance, 'terminology'>): readonly FhirOperation[] {
  const open = openVisibleData;

  /** A stored code system or value set is read like any other record: decided, and journalled. */
  async function shown(
    data: VisibleData,
    context: FhirContext,
    row: VersionRow | undefined,
  ): Promise<object | undefined> {
    if (row !== undefined) data.show([row]);
    await data.journal();
    return row === undefined ? undefined : (JSON.parse(utf8ToText(await context.vault.open(row))) as object);
  }

  async function stored(context: FhirContext, type: TerminologyKind, id: string): Promise<object | undefined> {
    const data = open(context);
    const [row] = await data.current([{ type, id }]);
    return shown(data, context, row);
  }

  async function storedByUrl(
    context: FhirContext,
    type: TerminologyKind,
    canonical: string,
  ): Promise<object | undefined> {
    const data = open(context);
    const [url = '', version] = canonical.split('|');
    const query = new URLSearchParams({ url, ...(version === undefined ? {} : { version }) });
    const { registry, baseUrl, clock } = context;
    const { clauses } = parseSearch(registry, type, query, { baseUrl, nowMs: clock(), lenient: false });
    const { matches } = await data.find({ type, clauses, count: 1 });
    return shown(data, context, matches[0]?.row);
  }

  return [
    ...createEverything(open),
    createMatch(open),
    createSummary(open),
    createLastn(open),
    createDocref(open),
    createValidate(open),
    ...createTerminologyOperations({
      // Read at each call: packages come and go.
      get terminology() {
        return conformance.terminology;
      },
      stored,
      storedByUrl,
    }),
  ];
}
