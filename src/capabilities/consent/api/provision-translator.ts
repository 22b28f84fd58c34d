import type {
  Coding,
  ConsentProvision,
  ConsentProvisionActor,
  ConsentProvisionData,
  Reference,
} from '@medplum/fhirtypes';
import { ACCOUNT_SYSTEM, MEMBER_SYSTEM } from '../../membership/contract/account-systems.ts';
import { MAX_LIST, type Provision, TAGS_PER_LIST } from '../contract/policy.ts';
import { ACT_REASON, isPurpose } from '../contract/purposes.ts';
import { padTags, type TagKind, tag } from '../contract/tags.ts';
import type { ConsentReason } from './codes.ts';
import { periodToMs } from './fhir-period.ts';

/** What a translation needs to know of the account and the ledger. */
export interface TranslationContext {
  /** Tag key of the account, 32 bytes. */
  readonly tagKey: Uint8Array;
  /** For dummies that fill lists of tags. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Member account of a reference to an Organization; undefined for one that is no member. */
  readonly memberOf: (reference: string) => string | undefined;
  /**
   * The code that a reference is tagged by, the same as for versions and askers; undefined for one that no version or
   * asker is ever tagged by: a denial that names it would deny nothing. The reference itself unless given.
   */
  readonly codeOf?: (reference: string, kind: TagKind) => string | undefined;
}

/** Thrown where a Consent says more than a policy can. */
export class Inexpressible extends Error {
  readonly reason: ConsentReason;
  constructor(reason: ConsentReason) {
    super(reason);
    this.reason = reason;
  }
}

const PARTICIPATION_TYPE = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';
const MEANINGS: Readonly<Record<string, TagKind>> = { instance: 'instance', related: 'related', authoredby: 'author' };
const ACCOUNT = /^[0-9a-f]{32}$/;
const LITERAL = /^[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/;

/** A translator of provisions of one account; throws Inexpressible. */
export function createProvisionTranslator(context: TranslationContext): (provision: ConsentProvision) => Provision {
  const { tagKey, randomBytes, memberOf, codeOf = (reference) => reference } = context;

  function pad(tags: readonly string[]): readonly string[] {
    if (new Set(tags).size > TAGS_PER_LIST) throw new Inexpressible('CONSENT_TOO_LARGE');
    return padTags(tags, randomBytes);
  }

  function codings(kind: TagKind, list: readonly Coding[]): readonly string[] {
    return pad(list.map((coding) => tag(tagKey, kind, codeText(coding))));
  }

  function purposes(list: readonly Coding[]): Provision {
    const clear: string[] = [];
    const blinded: string[] = [];
    for (const { system, code } of list) {
      if (system === undefined || code === undefined) throw new Inexpressible('CONSENT_PURPOSE_UNSUPPORTED');
      // A purpose of another code system may be the name of a study, and tell what somebody suffers from.
      if (system !== ACT_REASON) blinded.push(tag(tagKey, 'purpose', `${system}|${code}`));
      else if (isPurpose(code)) clear.push(code);
      else throw new Inexpressible('CONSENT_PURPOSE_UNSUPPORTED');
    }
    return {
      ...(clear.length > 0 ? { purposes: ordered(clear) } : {}),
      ...(blinded.length > 0 ? { purposeTags: pad(blinded) } : {}),
    };
  }

  function actors(list: readonly ConsentProvisionActor[]): Provision {
    const members: string[] = [];
    const others: string[] = [];
    for (const { role, reference } of list) {
      const isRecipient =
        role.coding?.some(({ system, code }) => system === PARTICIPATION_TYPE && code === 'IRCP') === true;
      const member = memberNamed(reference);
      const code = member ?? codeNamed(reference, 'actor');
      if (!isRecipient || code === undefined) throw new Inexpressible('CONSENT_ACTOR_UNSUPPORTED');
      if (member === undefined) others.push(tag(tagKey, 'actor', code));
      else members.push(member);
    }
    return {
      ...(members.length > 0 ? { members: ordered(members) } : {}),
      ...(others.length > 0 ? { actorTags: pad(others) } : {}),
    };
  }

  /** The member that a reference names, by its identifier on the ledger or as the custodian's resource. */
  function memberNamed({ identifier, reference }: Reference): string | undefined {
    if (identifier?.system === MEMBER_SYSTEM) return accountIn(identifier.value);
    return reference === undefined || !LITERAL.test(reference) ? undefined : memberOf(reference);
  }

  function codeNamed({ identifier, reference }: Reference, kind: TagKind): string | undefined {
    if (identifier?.system === ACCOUNT_SYSTEM || identifier?.system === MEMBER_SYSTEM)
      return accountIn(identifier.value);
    return reference === undefined || !LITERAL.test(reference) ? undefined : codeOf(reference, kind);
  }

  function data(list: readonly ConsentProvisionData[]): readonly string[] {
    const tags = list.map(({ meaning, reference }) => {
      const kind = Object.hasOwn(MEANINGS, meaning) ? MEANINGS[meaning] : undefined;
      const code = kind === undefined ? undefined : codeNamed(reference, kind);
      if (kind === undefined || code === undefined) throw new Inexpressible('CONSENT_DATA_UNSUPPORTED');
      return tag(tagKey, kind, code);
    });
    return pad(tags);
  }

  return (provision) => {
    if ((provision.action ?? []).length > 0) throw new Inexpressible('CONSENT_ACTION_UNSUPPORTED');
    if ((provision.code ?? []).length > 0) throw new Inexpressible('CONSENT_CODE_UNSUPPORTED');
    const { purpose = [], actor = [], class: classes = [], securityLabel = [], data: named = [] } = provision;
    const [period, dataPeriod] = [bounds(provision.period), bounds(provision.dataPeriod)];
    return {
      ...purposes(purpose),
      ...actors(actor),
      ...(classes.length > 0 ? { categoryTags: codings('category', classes) } : {}),
      ...(securityLabel.length > 0 ? { labelTags: codings('label', securityLabel) } : {}),
      ...(named.length > 0 ? { dataTags: data(named) } : {}),
      ...(period.fromMs === undefined ? {} : { periodFromMs: period.fromMs }),
      ...(period.toMs === undefined ? {} : { periodToMs: period.toMs }),
      ...(dataPeriod.fromMs === undefined ? {} : { dataFromMs: dataPeriod.fromMs }),
      ...(dataPeriod.toMs === undefined ? {} : { dataToMs: dataPeriod.toMs }),
    };
  };
}

function accountIn(value: string | undefined): string | undefined {
  return value !== undefined && ACCOUNT.test(value) ? value : undefined;
}

function codeText({ system, code }: Coding): string {
  if (system === undefined || code === undefined) throw new Inexpressible('CONSENT_CODING_INCOMPLETE');
  return `${system}|${code}`;
}

function ordered(list: readonly string[]): readonly string[] {
  const unique = [...new Set(list)].sort();
  if (unique.length > MAX_LIST) throw new Inexpressible('CONSENT_TOO_LARGE');
  return unique;
}

function bounds(period: ConsentProvision['period']) {
  if (period === undefined) return {};
  const found = periodToMs(period);
  if (found === undefined) throw new Inexpressible('CONSENT_PERIOD_INVALID');
  return found;
}
