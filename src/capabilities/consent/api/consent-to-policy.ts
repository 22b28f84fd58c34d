import type { Consent, ConsentProvision } from '@medplum/fhirtypes';
import { MAX_EXCEPTIONS, type Policy, type Provision } from '../contract/policy.ts';
import { tag } from '../contract/tags.ts';
import { type ConsentReason, reject } from './codes.ts';
import { createProvisionTranslator, Inexpressible, type TranslationContext } from './provision-translator.ts';

/** What a `consent.grant` carries beside account and document. */
export type PolicyContent = Pick<Policy, 'scope' | 'sense' | 'root' | 'exceptions' | 'inexpressible'>;

const CONSENT_SCOPE = 'http://terminology.hl7.org/CodeSystem/consentscope';
const SCOPES: readonly string[] = ['patient-privacy', 'research', 'treatment', 'adr'];

/**
 * A FHIR R4 Consent, as profiled by IHE PCF (Basic, Intermediate, and what of Advanced has exceptions of the opposite
 * type), as blinded policy. Throws Reject CONSENT_NOT_ACTIVE and CONSENT_PROVISION_MISSING for what is no policy.
 * A Consent that says more than a policy can becomes one that denies everything and names the reason: it was somebody's
 * will, and what is not understood never permits.
 *
 * The slot within which a newer Consent supersedes is the Consent's scope and the policy that it refers to.
 */
export function consentToPolicy(consent: Consent, context: TranslationContext): PolicyContent {
  if (consent.status !== 'active') throw reject('CONSENT_NOT_ACTIVE', {});
  const provision = consent.provision;
  const sense = provision?.type;
  if (provision === undefined || sense === undefined) throw reject('CONSENT_PROVISION_MISSING', {});
  const scope = slotOf(consent, context);
  try {
    requireUnmodified(consent);
    if (scope === undefined) throw new Inexpressible('CONSENT_SCOPE_UNSUPPORTED');
    return { scope, sense, ...translate(provision, sense, context) };
  } catch (error) {
    if (!(error instanceof Inexpressible)) throw error;
    return denyAll(scope ?? 'patient-privacy', error.reason);
  }
}

function denyAll(scope: string, inexpressible: ConsentReason): PolicyContent {
  return { scope, sense: 'deny', root: {}, exceptions: [], inexpressible };
}

function translate(
  provision: ConsentProvision,
  sense: 'permit' | 'deny',
  context: TranslationContext,
): Pick<Policy, 'root' | 'exceptions'> {
  const toProvision = createProvisionTranslator(context);
  const nested = provision.provision ?? [];
  if (nested.length > MAX_EXCEPTIONS) throw new Inexpressible('CONSENT_TOO_LARGE');
  const root = toProvision(provision);
  const exceptions = nested.map((exception) => {
    if ((exception.provision ?? []).length > 0) throw new Inexpressible('CONSENT_NESTED_TOO_DEEP');
    if (exception.type === undefined || exception.type === sense)
      throw new Inexpressible('CONSENT_EXCEPTION_SAME_SENSE');
    const own = toProvision(exception);
    return sense === 'deny' ? withinRoot(root, own) : own;
  });
  return { root, exceptions };
}

/** Criteria that are one kind: an exception that names one of them does not take over the root's others. */
const KINDS: readonly (readonly (keyof Provision)[])[] = [
  ['purposes', 'purposeTags'],
  ['members', 'actorTags'],
  ['categoryTags'],
  ['labelTags'],
  ['dataTags'],
  ['dataFromMs', 'dataToMs'],
];

/** Restrictions at the root hold for the whole Consent (IHE PCF, Intermediate): what may be permitted never exceeds them. */
function withinRoot(root: Provision, exception: Provision): Provision {
  const inherited = KINDS.filter((kind) => kind.every((name) => exception[name] === undefined)).flat();
  const entries = inherited.flatMap((name) => (root[name] === undefined ? [] : [[name, root[name]] as const]));
  return { ...Object.fromEntries(entries), ...exception };
}

function slotOf(consent: Consent, { tagKey }: TranslationContext): string | undefined {
  const codes = (consent.scope.coding ?? []).filter(({ system }) => system === CONSENT_SCOPE).map(({ code }) => code);
  const [scope] = codes;
  if (scope === undefined || codes.length > 1 || !SCOPES.includes(scope)) return undefined;
  const uris = (consent.policy ?? []).flatMap(({ uri }) => (uri === undefined ? [] : [uri])).sort();
  return uris.length === 0 ? scope : `${scope}:${tag(tagKey, 'scope', JSON.stringify(uris))}`;
}

/** A modifier that is not understood may turn the meaning round (FHIR R4 §2.4.0.1). */
function requireUnmodified(consent: Consent): void {
  const isUnverified = (consent.verification ?? []).some(({ verified }) => !verified);
  const provisions = [consent.provision, ...(consent.provision?.provision ?? [])];
  const isModified = [consent, ...provisions].some((element) => (element?.modifierExtension ?? []).length > 0);
  if (isUnverified || isModified || consent.implicitRules !== undefined)
    throw new Inexpressible('CONSENT_MODIFIER_UNSUPPORTED');
}
