import { isPurpose } from './purposes.ts';

/** Entries of every list of tags, dummies included: the number of real ones does not show. */
export const TAGS_PER_LIST = 16;
/** Exceptions below one root, and clear entries of one list. */
export const MAX_EXCEPTIONS = 8;
export const MAX_LIST = 32;

export type Sense = 'permit' | 'deny';

/**
 * Criteria of one provision; an absent one is not named. Lists are in byte order without repetition; lists of tags
 * hold exactly TAGS_PER_LIST. Times are milliseconds since the epoch, both bounds included.
 */
export type Provision = {
  /** Known ActReason codes. */
  readonly purposes?: readonly string[];
  /** Purposes of other code systems (a study's), blinded. One kind of criterion together with `purposes`. */
  readonly purposeTags?: readonly string[];
  /** Organisations, by member account. */
  readonly members?: readonly string[];
  /** Anybody else: practitioners, roles, care teams. One kind of criterion together with `members`. */
  readonly actorTags?: readonly string[];
  readonly categoryTags?: readonly string[];
  readonly labelTags?: readonly string[];
  /** Tags of kinds instance, related and author: what a FHIR `provision.data` with that meaning refers to. */
  readonly dataTags?: readonly string[];
  /** When the provision applies (FHIR `provision.period`). */
  readonly periodFromMs?: number;
  readonly periodToMs?: number;
  /** When the data was authored (FHIR `provision.dataPeriod`). */
  readonly dataFromMs?: number;
  readonly dataToMs?: number;
};

/** A blinded Consent. The root's period is the whole policy's: beyond it, exceptions do not apply either. */
export type Policy = {
  /** Id of the transaction that granted it, or `default:<name>`. */
  readonly id: string;
  readonly status: 'active' | 'revoked';
  /** Account that decided; the patient's own for attested policy, which counts as the patient's. */
  readonly grantor: string;
  /** Within one grantor and scope the policy with the highest sequence is the only one. */
  readonly scope: string;
  readonly sequence: number;
  readonly sense: Sense;
  readonly root: Provision;
  /** Of the opposite sense; each beats the root where it matches. */
  readonly exceptions: readonly Provision[];
  /** Custodian who attests a paper consent for an unclaimed account. */
  readonly attestedBy?: string;
  /** Journal leaf of the document, hexadecimal. */
  readonly document?: string;
  /** Why the document cannot be expressed; such a policy denies everything and gives this code as its rule. */
  readonly inexpressible?: string;
};

/** FHIR consent scopes, alone or with a tag of kind `scope` that tells several apart; or a default to supersede. */
const SCOPE = /^(?:(?:patient-privacy|research|treatment|adr)(?::[0-9a-f]{32})?|default:[a-z][a-z-]{0,31})$/;
const ACCOUNT = /^[0-9a-f]{32}$/;
const TAG = /^[0-9a-f]{32}$/;
const DIGEST = /^[0-9a-f]{64}$/;
const POLICY_ID = /^(?:[0-9a-f]{64}|default:[a-z][a-z-]{0,31})$/;
const REASON = /^[A-Z][A-Z_]{0,63}$/;

/** First and last millisecond of the years 1 to 9999: what an absent bound means, and what no bound exceeds. */
export const EARLIEST_MS = -62_135_596_800_000;
export const LATEST_MS = 253_402_300_799_999;

const TAG_LISTS = ['purposeTags', 'actorTags', 'categoryTags', 'labelTags', 'dataTags'] as const;
const PERIODS = [
  ['periodFromMs', 'periodToMs'],
  ['dataFromMs', 'dataToMs'],
] as const;
const PROVISION_NAMES: ReadonlySet<string> = new Set([...TAG_LISTS, 'purposes', 'members', ...PERIODS.flat()]);
const POLICY_NAMES: ReadonlySet<string> = new Set([
  'id',
  'status',
  'grantor',
  'scope',
  'sequence',
  'sense',
  'root',
  'exceptions',
  'attestedBy',
  'document',
  'inexpressible',
]);

/**
 * The first rule of form that a policy breaks: wrong shapes, unknown members or codes, lists that are not padded or
 * not in order, bounds the wrong way round, and exceptions that contradict the root; undefined for a sound policy.
 */
export function policyFault(policy: unknown): string | undefined {
  if (!isPlain(policy)) return 'policy';
  for (const name of Object.keys(policy).sort()) if (!POLICY_NAMES.has(name)) return 'unknown-member';
  if (!matches(policy.id, POLICY_ID)) return 'id';
  if (policy.status !== 'active' && policy.status !== 'revoked') return 'status';
  if (!matches(policy.grantor, ACCOUNT)) return 'grantor';
  if (!matches(policy.scope, SCOPE)) return 'scope';
  if (!Number.isSafeInteger(policy.sequence) || (policy.sequence as number) < 0) return 'sequence';
  if (policy.sense !== 'permit' && policy.sense !== 'deny') return 'sense';
  if (policy.attestedBy !== undefined && !matches(policy.attestedBy, ACCOUNT)) return 'attestedBy';
  if (policy.document !== undefined && !matches(policy.document, DIGEST)) return 'document';
  const { root, exceptions } = policy;
  const rootFault = provisionFault(root);
  if (rootFault !== undefined) return `root.${rootFault}`;
  if (!Array.isArray(exceptions) || exceptions.length > MAX_EXCEPTIONS) return 'exceptions';
  for (let i = 0; i < exceptions.length; i++) {
    const fault = provisionFault(exceptions[i]) ?? contradiction(policy.sense, root as Provision, exceptions[i]);
    if (fault !== undefined) return `exceptions.${i}.${fault}`;
  }
  if (policy.inexpressible === undefined) return undefined;
  const empty = policy.sense === 'deny' && Object.keys(root as object).length === 0 && exceptions.length === 0;
  return empty && matches(policy.inexpressible, REASON) ? undefined : 'inexpressible';
}

function provisionFault(provision: unknown): string | undefined {
  if (!isPlain(provision)) return 'provision';
  for (const name of Object.keys(provision).sort()) if (!PROVISION_NAMES.has(name)) return 'unknown-member';
  const { purposes, members } = provision;
  if (purposes !== undefined && !isOrdered(purposes, isPurpose)) return 'purposes';
  if (members !== undefined && !isOrdered(members, (text) => ACCOUNT.test(text))) return 'members';
  for (const name of TAG_LISTS) {
    const list = provision[name];
    if (list === undefined) continue;
    if (!isOrdered(list, (text) => TAG.test(text)) || list.length !== TAGS_PER_LIST) return name;
  }
  for (const [from, to] of PERIODS) {
    const [first, last] = [provision[from] ?? EARLIEST_MS, provision[to] ?? LATEST_MS];
    if (!isTime(first)) return from;
    if (!isTime(last) || first > last) return to;
  }
  return undefined;
}

/**
 * An exception that permits must stay within the denial it is taken from: it names each kind of criterion that the
 * root names. Otherwise `deny research, except the institute` would let the institute in for any purpose.
 */
function contradiction(sense: Sense, root: Provision, exception: Provision): string | undefined {
  if (sense === 'permit') return undefined;
  const named: readonly (readonly [kind: string, of: (provision: Provision) => boolean])[] = [
    ['purpose', (p) => p.purposes !== undefined || p.purposeTags !== undefined],
    ['actor', (p) => p.members !== undefined || p.actorTags !== undefined],
    ['category', (p) => p.categoryTags !== undefined],
    ['label', (p) => p.labelTags !== undefined],
    ['data', (p) => p.dataTags !== undefined],
    ['dataPeriod', (p) => p.dataFromMs !== undefined || p.dataToMs !== undefined],
  ];
  for (const [kind, names] of named) if (names(root) && !names(exception)) return `wider-than-root.${kind}`;
  return undefined;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= EARLIEST_MS && (value as number) <= LATEST_MS;
}

/** A list of 1 to MAX_LIST texts, strictly ascending in byte order, each of the form asked for. */
function isOrdered(list: unknown, isForm: (text: string) => boolean): list is readonly string[] {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_LIST) return false;
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] !== 'string' || !isForm(list[i]) || (i > 0 && list[i - 1] >= list[i])) return false;
  }
  return true;
}
