import type { InteractionHeader } from '../../../chain/journal-leaf.ts';
import type { JournalEntry } from '../../../vault/vault.ts';

/** What a journal entry says, in one form for what was written and what was done. */
export interface EventFacts {
  readonly generation: number;
  readonly index: number;
  /** What a write did. */
  readonly action?: 'create' | 'update' | 'delete';
  readonly kind: 'write' | InteractionHeader['kind'];
  readonly account: string;
  readonly timeMs: number;
  readonly actor: string;
  /** '' where it is not recorded. */
  readonly organisation: string;
  readonly purpose: string;
  readonly decision: 'permit' | 'deny';
  readonly rules: readonly string[];
  /** Leaves of the versions that it is about. */
  readonly leaves: readonly string[];
  /** undefined where it is not recorded, '' for a token that the organisation itself issued. */
  readonly client: string | undefined;
  /** FHIR restful-interaction code or `$name`; '' where it is not known. */
  readonly interaction: string;
  readonly request: string;
  /** `Type`, `Type/id` or `Type/id/_history/n`; '' where it is not known. */
  readonly path: string;
  /** Names of search parameters, joined by `&`. */
  readonly parameters: string;
}

export function factsOf(entry: JournalEntry): EventFacts {
  const { generation, index } = entry;
  if (entry.kind === 'version') {
    const { account, timeMs, author, type, id, version, action, leaf } = entry.row;
    const { organisation = '', purpose = '', client, interaction = '', request = '' } = entry.by ?? {};
    return {
      ...{ generation, index, kind: 'write', action, account, timeMs, actor: author, organisation, purpose },
      ...{ decision: 'permit', rules: [], leaves: [leaf], client, request },
      // Of a patch the header knows the update that it came to; of an entry of a transaction what it did says more.
      interaction: interaction === 'patch' ? interaction : action,
      ...{ path: `${type}/${id}/_history/${version}`, parameters: '' },
    };
  }
  const { header } = entry;
  const { kind, account, timeMs, actor, organisation, purpose, decision, rules, versions } = header;
  const about = { generation, index, kind, account, timeMs, actor, organisation, purpose, decision, rules };
  if (!('client' in header)) {
    return { ...about, leaves: versions, client: undefined, interaction: '', request: '', path: '', parameters: '' };
  }
  const { client, interaction, request, query } = header;
  const [path = '', parameters = ''] = query.split('?');
  return { ...about, leaves: versions, client, interaction, request, path, parameters };
}

/** Id of the AuditEvent of an entry; `decision` is the one of the decision behind a permit. */
export function eventId({ generation, index }: { generation: number; index: number }, part?: 'decision'): string {
  return part === undefined ? `${generation}-${index}` : `${generation}-${index}-${part}`;
}

const ID = /^(0|[1-9]\d{0,6})-(0|[1-9]\d{0,9})(-decision)?$/;

/** The journal place that an id names; undefined for what is none. */
export function placeOfId(
  id: string,
): { readonly generation: number; readonly index: number; readonly isDecision: boolean } | undefined {
  const match = ID.exec(id);
  if (match === null) return undefined;
  const [generation, index] = [Number(match[1]), Number(match[2])];
  if (generation >= 2 ** 21 || index >= 2 ** 32) return undefined;
  return { generation, index, isDecision: match[3] !== undefined };
}
