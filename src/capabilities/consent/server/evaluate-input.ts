import { rejectFhir } from '../../../fhir/codes.ts';
import { rejectOperation } from '../../../fhir/operations/codes.ts';
import type { OperationCall } from '../../../fhir/operations/operation.ts';
import { type InputPart, isObject, postedParts, requireKnown } from '../../../fhir/operations/operation-input.ts';
import { localReference } from '../../../fhir/references.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { ACCOUNT_SYSTEM, MEMBER_SYSTEM } from '../../membership/contract/account-systems.ts';
import { ACT_REASON, isPurpose } from '../contract/purposes.ts';

/** Most values of one parameter, and characters of one value. */
const MAX_VALUES = 32;
const MAX_CHARS = 512;
const ID = /^[A-Za-z0-9\-.]{1,64}$/;
const ACCOUNT = /^[0-9a-f]{32}$/;

const NAMES = ['patient', 'actor', 'organisation', 'purpose', 'category', 'label', 'resource'] as const;
type Name = (typeof NAMES)[number];

/** What `$evaluate` is asked, before anything is looked up. Codes are `system|code`. */
export interface EvaluateInput {
  /** Id of the Patient. */
  readonly patient?: string;
  /** Accounts of persons who ask, and codes of their roles. */
  readonly accounts: readonly string[];
  readonly roles: readonly string[];
  /** Member account; absent for the custodian's own. */
  readonly organisation?: string;
  /** ActReason code. */
  readonly purpose: string;
  /** Purposes of other code systems that come with it. */
  readonly otherPurposes: readonly string[];
  readonly categories?: readonly string[];
  readonly labels?: readonly string[];
  readonly resource?: { readonly type: VersionRow['type']; readonly id: string };
}

/**
 * Reads the parameters, simple ones as text (`system|code`, `Type/id`), posted ones also as Reference, Identifier and
 * Coding. An actor is the account of a person or of a member (`urn:aceso:account|…`, `urn:aceso:member|…`, the latter
 * naming the organisation as well) or the code of a role. Throws PARAMETER_UNKNOWN, PARAMETER_INVALID,
 * OPERATION_INPUT_INVALID.
 */
export function evaluateInput(call: OperationCall, baseUrl: string): EvaluateInput {
  requireKnown(call, NAMES);
  const values = valuesOf(call);
  const patient = only(
    'patient',
    values.patient.map((value) => patientIn(value, baseUrl)),
  );
  const actors = values.actor.map((value) => actorIn(value));
  const members = values.organisation.map(memberIn);
  const named = [...members, ...actors.flatMap(({ member }) => (member === undefined ? [] : [member]))];
  const organisation = only('organisation', [...new Set(named)]);
  const purposes = values.purpose.map((value) => codeIn('purpose', value, ACT_REASON));
  const own = purposes
    .filter((code) => code.startsWith(`${ACT_REASON}|`))
    .map((code) => code.slice(ACT_REASON.length + 1));
  const purpose = only('purpose', own);
  if (purpose === undefined || !isPurpose(purpose)) throw invalid('purpose');
  const resource = only(
    'resource',
    values.resource.map((value) => resourceIn(value, baseUrl)),
  );
  const codes = (name: 'category' | 'label') => values[name].map((value) => codeIn(name, value));
  return {
    ...(patient === undefined ? {} : { patient }),
    accounts: actors.flatMap(({ account }) => (account === undefined ? [] : [account])),
    roles: actors.flatMap(({ role }) => (role === undefined ? [] : [role])),
    ...(organisation === undefined ? {} : { organisation }),
    purpose,
    otherPurposes: purposes.filter((code) => !code.startsWith(`${ACT_REASON}|`)),
    ...(values.category.length === 0 ? {} : { categories: codes('category') }),
    ...(values.label.length === 0 ? {} : { labels: codes('label') }),
    ...(resource === undefined ? {} : { resource }),
  };
}

function valuesOf(call: OperationCall): Readonly<Record<Name, readonly unknown[]>> {
  const parts = postedParts(call);
  if (parts === undefined) throw rejectOperation('OPERATION_INPUT_INVALID');
  const asked = [...call.request.query].map(([name, value]) => ({ name, value }));
  const given: readonly InputPart[] = [...parts, ...asked];
  const values = Object.fromEntries(NAMES.map((name): [Name, unknown[]] => [name, []])) as Record<Name, unknown[]>;
  for (const part of given) {
    const { name, value } = part;
    const known = NAMES.find((one) => one === name);
    if (known === undefined) {
      // In a query it has been judged, and may be about the form of the answer.
      if (!parts.includes(part) || call.request.prefer.lenient) continue;
      throw rejectFhir('PARAMETER_UNKNOWN', { parameter: name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?') });
    }
    if (values[known].push(value) > MAX_VALUES) throw invalid(known);
  }
  return values;
}

function patientIn(value: unknown, baseUrl: string): string {
  const text = textIn(value) ?? textIn(isObject(value) ? value.reference : undefined);
  const target = text === undefined ? undefined : localReference(text, baseUrl);
  if (target?.type === 'Patient') return target.id;
  if (text === undefined || target !== undefined || !ID.test(text)) throw invalid('patient');
  return text;
}

function resourceIn(value: unknown, baseUrl: string): { type: string; id: string } {
  const text = textIn(value) ?? textIn(isObject(value) ? value.reference : undefined);
  const target = text === undefined ? undefined : localReference(text, baseUrl);
  if (target === undefined || target.version !== undefined) throw invalid('resource');
  return { type: target.type, id: target.id };
}

function actorIn(value: unknown): { account?: string; member?: string; role?: string } {
  const code = codeIn('actor', value);
  const account = code.slice(code.indexOf('|') + 1);
  const isMember = code.startsWith(`${MEMBER_SYSTEM}|`);
  if (!isMember && !code.startsWith(`${ACCOUNT_SYSTEM}|`)) return { role: code };
  if (!ACCOUNT.test(account)) throw invalid('actor');
  return isMember ? { account, member: account } : { account };
}

function memberIn(value: unknown): string {
  const code = codeIn('organisation', value, MEMBER_SYSTEM);
  const account = code.slice(MEMBER_SYSTEM.length + 1);
  if (!code.startsWith(`${MEMBER_SYSTEM}|`) || !ACCOUNT.test(account)) throw invalid('organisation');
  return account;
}

/** `system|code` of a text, a Coding, an Identifier or a Reference with one; a bare code is of `system`, if there is one. */
function codeIn(parameter: Name, value: unknown, system?: string): string {
  const text = textIn(value);
  if (text?.includes('|') === true) return text;
  if (text !== undefined && system !== undefined) return `${system}|${text}`;
  const coded = isObject(value) && isObject(value.identifier) ? value.identifier : value;
  if (!isObject(coded)) throw invalid(parameter);
  const code = textIn(coded.code ?? coded.value);
  const of = textIn(coded.system) ?? system;
  if (code === undefined || of === undefined) throw invalid(parameter);
  return `${of}|${code}`;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MAX_CHARS ? value : undefined;
}

function only<T>(parameter: Name, values: readonly T[]): T | undefined {
  if (values.length > 1) throw invalid(parameter);
  return values[0];
}

function invalid(parameter: Name): Error {
  return rejectFhir('PARAMETER_INVALID', { parameter });
}
