import type { KeyRecord } from '../chain/account.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import type { VersionRow } from '../vault/vault.ts';

/** What the ledger says of members, at the latest committed state; the membership contract's queries fill it. */
export interface MemberPort {
  /** Ed25519 keys of a member in good standing; none for anybody else. */
  keysOf(member: string): readonly KeyRecord[];
  /** Its sealing key in bytes; undefined for anybody else, and for a key of a suite unknown here. */
  sealingKeyOf(member: string): Uint8Array | undefined;
}

/** Who is looked for, on whose behalf, and the data categories (`system|code`) whose tags are needed to ask. */
export interface IntroductionRequest {
  /** Exactly `system|value` of a Patient.identifier. */
  readonly identifier: string;
  /** Account of the practitioner who will ask; '' for none. */
  readonly practitioner: string;
  /** HL7 v3 ActReason code that access will be asked for. */
  readonly purpose: string;
  readonly categories: readonly string[];
}

export type Introduction = {
  readonly account: string;
  /** Tags of the practitioner and the roles that its member attests of it on the ledger. */
  readonly actorTags: readonly string[];
  /** In the order of the categories asked for. */
  readonly categoryTags: readonly string[];
};

/** A permit on the ledger that still holds, as far as a release names it. */
export interface PermitFacts {
  readonly id: string;
  readonly account: string;
  /** Practitioner where one is named, else who signed. */
  readonly actor: string;
  readonly purpose: string;
}

export interface ReleaseDecision {
  /** Current versions within the permit's scope that may be seen; at most `limit` + 1. */
  readonly rows: readonly VersionRow[];
  readonly rules: readonly string[];
}

/** What a custodian decides; the access capability fills it. None of it journals: the exchange does. */
export interface CustodianPort {
  /** Undefined unless exactly one patient here has the identifier, and the practitioner works for the member. */
  introduce(
    custodian: OrganisationContext,
    member: string,
    request: IntroductionRequest,
  ): Promise<Introduction | undefined>;
  /** The permit to release to `member` from this custodian, if there is one that has not expired. */
  permitOf(custodian: OrganisationContext, member: string, account: string, permit: string): PermitFacts | undefined;
  /** Decides again, version by version, at the latest committed state. */
  decide(custodian: OrganisationContext, permit: PermitFacts, limit: number): Promise<ReleaseDecision>;
}
