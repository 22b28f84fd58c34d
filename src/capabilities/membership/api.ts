import { type Static, Type } from 'typebox';
import type { JsonObject } from '../../std/canonical-json.ts';

/** What the endpoints of membership take and give, for servers and wallets alike. Byte strings in base64url. */

const strict = { additionalProperties: false } as const;
const Account = Type.String({ pattern: '^[0-9a-f]{32}$' });
const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Base64url = Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: 16_384 });
const PatientId = Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' });
const TimeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** HPKE info of the box that a tag key travels in; its aad is the account. */
export const TAG_KEY_INFO = 'aceso/tag-key/1';

/** What the desk hands a patient: all that a wallet needs to claim the account. Good once, and for minutes. */
export const ClaimSlip = Type.Object(
  {
    code: Type.String({ minLength: 1, maxLength: 64 }),
    expiresAtMs: TimeMs,
    patient: PatientId,
    account: Account,
    custodian: Account,
    /** Id of the custodian's key that will approve the claim. */
    approverKey: Account,
    /** Genesis hash of the ledger. */
    genesis: Hex32,
  },
  strict,
);
export type ClaimSlip = Static<typeof ClaimSlip>;

/** Body of `POST /api/accounts/claim`. */
export const ClaimRequest = Type.Object(
  {
    custodian: Account,
    account: Account,
    code: Type.String({ minLength: 1, maxLength: 64 }),
    /** Body of the `account.claim` transaction, naming the new key as sender and the custodian's as approver. */
    body: Base64url,
    /** The new key's signature. */
    signature: Base64url,
    /** X-Wing public key of the wallet, which the tag key is sealed to. */
    sealingPublicKey: Base64url,
  },
  strict,
);
export type ClaimRequest = Static<typeof ClaimRequest>;

/** Its answer: the tag key sealed to the wallet, and a bearer token to read and see the accounting over HTTP. */
export const ClaimAnswer = Type.Object(
  {
    transaction: Hex32,
    tagKey: Type.Object({ suite: Type.String({ maxLength: 64 }), enc: Base64url, ciphertext: Base64url }, strict),
    token: Type.String({ maxLength: 128 }),
    tokenExpiresAtMs: TimeMs,
  },
  strict,
);
export type ClaimAnswer = Static<typeof ClaimAnswer>;

/** Body of `POST /api/tokens`: someone who works for the organisation, registered on the ledger and given a token. */
export const TokenRequest = Type.Object(
  {
    label: Type.String({ pattern: '^[\\x20-\\x7e]{1,64}$' }),
    /** `system|code`, attested by the organisation. */
    roleCodes: Type.Array(Type.String({ minLength: 3, maxLength: 193 }), { maxItems: 16 }),
    purposes: Type.Array(Type.String({ pattern: '^[A-Z]{1,16}$' }), { minItems: 1, maxItems: 16 }),
    days: Type.Integer({ minimum: 1, maximum: 366 }),
  },
  strict,
);
export type TokenRequest = Static<typeof TokenRequest>;

/** Its answer; the token is shown this once. */
export const TokenAnswer = Type.Object(
  { account: Account, token: Type.String({ maxLength: 128 }), expiresAtMs: TimeMs },
  strict,
);
export type TokenAnswer = Static<typeof TokenAnswer>;

/** Body of `POST /api/tokens/revoke`: the token opens nothing from then on. One that is unknown is no error. */
export const TokenRevocation = Type.Object({ token: Type.String({ minLength: 1, maxLength: 128 }) }, strict);

/** Body of `POST /api/people`: someone who works for the organisation, registered on the ledger, who will sign in by passkey. */
export const HireRequest = Type.Object(
  {
    label: TokenRequest.properties.label,
    roleCodes: TokenRequest.properties.roleCodes,
    purposes: TokenRequest.properties.purposes,
  },
  strict,
);

/** Its answer, and that of `POST /api/people/ACCOUNT/enrolment`: the link is shown this once. */
export interface InvitationAnswer {
  readonly account: string;
  readonly link: string;
  readonly expiresAtMs: number;
}

/** Answer of `GET /api/people`. */
export interface PeopleList {
  readonly people: readonly {
    readonly account: string;
    readonly label: string;
    readonly roles: readonly string[];
    readonly purposes: readonly string[];
    /** `lapsed`: the ledger does not attest the account any more. */
    readonly status: 'active' | 'dismissed' | 'lapsed';
    readonly passkeys: readonly PasskeyEntry[];
  }[];
}

/** A passkey in lists. */
export interface PasskeyEntry {
  readonly id: string;
  /** Kept by a service and on several devices, rather than in one device. */
  readonly isSynchronised: boolean;
  readonly createdMs: number;
  readonly usedMs?: number;
  /** When it last counted fewer uses than were seen: it may have been copied. */
  readonly wentBackMs?: number;
}

/** Answer of `GET /api/people/ACCOUNT/passkeys`: of a practitioner or a patient. */
export interface PasskeyList {
  readonly passkeys: readonly PasskeyEntry[];
}

/** Answer of `GET /api/people/ACCOUNT/apps`: what a practitioner or a patient allowed. */
export interface AppList {
  readonly apps: readonly {
    readonly client_id: string;
    readonly client_name: string;
    readonly scopes: readonly string[];
    readonly sinceMs: number;
    /** When it was last given a token, to the hour. */
    readonly usedMs?: number;
  }[];
}

/** Body of `POST /api/people/ACCOUNT/passkeys/remove`. */
export const PasskeyRemoval = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,1364}$' }) }, strict);

/** Messages by which members propose something, or vote on it: all that `POST /api/members/messages` signs. */
export const MEMBER_MESSAGES = [
  'membership.admit',
  'membership.remove',
  'membership.setRoles',
  'membership.setValidator',
  'membership.dropValidator',
  'membership.approve',
  'membership.withdraw',
  'rules.activate',
  'journal.restart',
  'journal.approveRestart',
] as const;

/** Body of `POST /api/members/messages`: signed by the organisation whose administrator sends it. The contract checks the rest. */
export const MemberMessage = Type.Object(
  {
    message: Type.Unsafe<JsonObject & { readonly type: (typeof MEMBER_MESSAGES)[number] }>(
      Type.Object({ type: Type.Union(MEMBER_MESSAGES.map((type) => Type.Literal(type))) }),
    ),
  },
  strict,
);
export type MemberMessage = Static<typeof MemberMessage>;

/** Its answer once it is committed: `{ proposal, votes, needed, executed, … }` of a vote. */
export interface MemberMessageAnswer {
  readonly transaction: string;
  readonly data: JsonObject;
}

/** Answer of `GET /api/members/proposals`: what is open, the next to expire first. */
export interface ProposalList {
  readonly proposals: {
    readonly id: string;
    /** Message type that proposed it, and that message's members. */
    readonly kind: string;
    readonly body: JsonObject;
    readonly proposer: string;
    readonly expiresAtMs: number;
    readonly votes: number;
    readonly needed: number;
    /** Whether the organisation that asks has approved it. */
    readonly approved: boolean;
  }[];
}
