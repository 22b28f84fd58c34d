import type { Vault } from '../../../vault/vault.ts';
import type { EventFacts } from './event-facts.ts';
import { reject } from './reject-audit.ts';

/** Resources that one search may name as entities, and versions of one of them that are looked for. */
const MOST_RESOURCES = 20;
const MOST_VERSIONS = 5000;
const STEP = 500;

/** Whether an entry is about the resource that a value of `entity` names, by what the journal has of it. */
export type IsAbout = (value: string, facts: EventFacts) => boolean;

/**
 * Looks up what the values name: the journal knows versions by their leaves, and a patient by the account. Nothing is shown
 * of what is looked up but which of the events that may be seen are about it. Rejects AUDIT_PARAMETER_INVALID.
 */
export async function aboutEntities(vault: Vault, fhirUrl: string, values: readonly string[]): Promise<IsAbout> {
  const named = new Map<string, { readonly account?: string; readonly leaves: ReadonlySet<string> }>();
  for (const value of new Set(values)) {
    const relative = value.startsWith(`${fhirUrl}/`) ? value.slice(fhirUrl.length + 1) : value;
    const match = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([1-9][0-9]{0,9}))?$/.exec(relative);
    if (match === null) continue;
    if (named.size === MOST_RESOURCES) throw reject('AUDIT_PARAMETER_INVALID', { parameter: 'entity' });
    const [, type = '', id = '', version] = match;
    const account = type === 'Patient' && version === undefined ? await vault.accountOf(type, id) : undefined;
    const leaves =
      version === undefined ? await leavesOf(vault, type, id) : await leafOf(vault, type, id, Number(version));
    named.set(value, { leaves, ...(account === undefined ? {} : { account }) });
  }
  return (value, { account, leaves }) => {
    const entity = named.get(value);
    return entity !== undefined && (entity.account === account || leaves.some((leaf) => entity.leaves.has(leaf)));
  };
}

async function leavesOf(vault: Vault, type: string, id: string): Promise<ReadonlySet<string>> {
  const leaves = new Set<string>();
  for (let after: string | undefined; leaves.size < MOST_VERSIONS; ) {
    const page = await vault.history(type, id, STEP, after);
    for (const { leaf } of page.rows) leaves.add(leaf);
    if (page.next === undefined) break;
    after = page.next;
  }
  return leaves;
}

async function leafOf(vault: Vault, type: string, id: string, version: number): Promise<ReadonlySet<string>> {
  const row = await vault.version(type, id, version);
  return new Set(row === undefined ? [] : [row.leaf]);
}
