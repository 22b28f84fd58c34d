import { randomBytes, sha256 } from '#crypto/platform';
import { verifies } from '../auth/member-signature.ts';
import type { InteractionHeader } from '../chain/journal-leaf.ts';
import { sealAes256Gcm } from '../crypto/node/aead.ts';
import { type SealedBox, sealTo } from '../crypto/sealing.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { bytesToBase64url, bytesToHex, hexToBytes } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { isReject, rejecter } from '../std/reject.ts';
import { reject as rejectVault } from '../vault/codes.ts';
import type { VersionRow } from '../vault/vault.ts';
import { CODES } from './codes.ts';
import type { CustodianPort, MemberPort, PermitFacts } from './ports.ts';
import {
  encodePayload,
  headerOf,
  MAX_RELEASE_BYTES,
  MAX_RELEASE_VERSIONS,
  type ReleasedVersion,
} from './release-payload.ts';
import { leavesHash, RELEASE_KEY_INFO, releaseAad, releaseSignBytes } from './release-terms.ts';

const reject = rejecter(CODES);

/** Documents of the custodian's vault: what was offered, kept a day; what was countersigned, kept for good. */
const OFFER_KIND = 'release-offer';
const EVIDENCE_KIND = 'release-evidence';
const OFFER_KEPT_MS = 24 * 60 * 60 * 1000;
const OPENED_AT_ONCE = 8;

type OfferRecord = {
  readonly requester: string;
  readonly account: string;
  readonly leaves: readonly string[];
  readonly rules: readonly string[];
  /** Key of the ciphertext, hexadecimal: sealed at rest like every document, handed to nobody before the journal. */
  readonly key: string;
  readonly ciphertextHash: string;
  readonly offeredAtMs: number;
  /** Set once a countersignature holds: from then on the permit is that one's. */
  readonly countersignature?: string;
  /** Set once the release is in the journal: what the same countersignature gets again. */
  readonly sealed?: SealedBox;
};

/** Ciphertext and leaves, without the key. A type alias, so that it is canonical JSON. */
export type Offer = { readonly ciphertext: string; readonly leaves: readonly string[] };

export interface Countersigned {
  readonly account: string;
  readonly permit: string;
  readonly countersignature: string;
  /** Id of the member key that made it. */
  readonly key: string;
}

/** The custodian's side of one organisation's releases. Callers run its calls for one organisation one by one. */
export interface ReleaseDesk {
  /** What the permit allows, encrypted under a fresh key. Asked again before the countersignature, it is made anew. */
  offer(custodian: OrganisationContext, member: string, request: { account: string; permit: string }): Promise<Offer>;
  /**
   * The key, sealed to the requester, once the release is in the journal. A crash in between loses nothing: the same
   * countersignature is taken up where it was, and any other is told PERMIT_USED.
   */
  countersign(custodian: OrganisationContext, member: string, request: Countersigned): Promise<SealedBox>;
  /** Forgets offers, and with them keys, that are a day old. */
  prune(custodian: OrganisationContext): Promise<void>;
}

export function createReleaseDesk({ members, port }: { members: MemberPort; port: CustodianPort }): ReleaseDesk {
  const partiesOf = (custodian: OrganisationContext, requester: string, account: string, permit: string) => ({
    ...{ chain: custodian.ledger.genesisHash, custodian: custodian.account, requester, account, permit },
  });

  function requirePermit(custodian: OrganisationContext, member: string, account: string, id: string): PermitFacts {
    const permit = port.permitOf(custodian, member, account, id);
    if (permit === undefined) throw reject('EXCHANGE_PERMIT_UNKNOWN');
    return permit;
  }

  /** Journals that nothing was released, and refuses. */
  async function refuse(custodian: OrganisationContext, member: string, permit: PermitFacts, rules: readonly string[]) {
    await custodian.vault.journal([entryOf(custodian, member, permit, { kind: 'refusal', rules, versions: [] })]);
    throw reject('RELEASE_DENIED', { rules: rules.slice(0, 32) });
  }

  async function requireStillVisible(
    custodian: OrganisationContext,
    member: string,
    permit: PermitFacts,
    offer: OfferRecord,
  ) {
    const { rows, rules } = await port.decide(custodian, permit, MAX_RELEASE_VERSIONS);
    const visible = new Set(rows.map((row) => row.leaf));
    if (offer.leaves.every((leaf) => visible.has(leaf))) return;
    await custodian.vault.putDocument(OFFER_KIND, permit.id, null);
    await refuse(custodian, member, permit, rules);
  }

  return {
    async offer(custodian, member, { account, permit: id }) {
      const permit = requirePermit(custodian, member, account, id);
      if ((await readOffer(custodian, id))?.countersignature !== undefined)
        throw rejectVault('PERMIT_USED', { permit: id });
      const { rows, rules } = await port.decide(custodian, permit, MAX_RELEASE_VERSIONS);
      if (rows.length === 0) await refuse(custodian, member, permit, rules);
      if (rows.length > MAX_RELEASE_VERSIONS) throw reject('RELEASE_TOO_LARGE', { maxVersions: MAX_RELEASE_VERSIONS });
      const key = randomBytes(32);
      const aad = releaseAad(partiesOf(custodian, member, account, id));
      const ciphertext = sealAes256Gcm(key, encodePayload(await openAll(custodian, rows)), aad);
      const leaves = rows.map((row) => row.leaf);
      await writeOffer(custodian, id, {
        ...{ requester: member, account, leaves, rules, offeredAtMs: custodian.clock() },
        ...{ key: bytesToHex(key), ciphertextHash: bytesToHex(sha256(ciphertext)) },
      });
      return { ciphertext: bytesToBase64url(ciphertext), leaves };
    },

    async countersign(custodian, member, { account, permit: id, countersignature, key }) {
      const offer = await readOffer(custodian, id);
      if (offer === undefined || offer.account !== account) throw reject('RELEASE_NOT_OFFERED');
      const isAnothers = offer.countersignature !== undefined && offer.countersignature !== countersignature;
      if (offer.requester !== member || isAnothers) throw rejectVault('PERMIT_USED', { permit: id });
      if (offer.sealed !== undefined) return offer.sealed;
      const terms = {
        ...partiesOf(custodian, member, account, id),
        ciphertextHash: hexToBytes(offer.ciphertextHash) as Uint8Array,
        leavesHash: leavesHash(offer.leaves),
      };
      const signed = releaseSignBytes(terms);
      if (!verifies(members.keysOf(member), key, signed, countersignature)) throw reject('COUNTERSIGNATURE_WRONG');
      const permit = requirePermit(custodian, member, account, id);
      await requireStillVisible(custodian, member, permit, offer);
      const sealingKey = members.sealingKeyOf(member);
      if (sealingKey === undefined) throw reject('EXCHANGE_SIGNATURE_WRONG');
      const sealed = await sealTo(sealingKey, hexToBytes(offer.key) as Uint8Array, RELEASE_KEY_INFO, signed);
      const evidence = { signed: bytesToBase64url(signed), key, countersignature };
      await custodian.vault.putDocument(EVIDENCE_KIND, id, canonicalBytes(evidence));
      const bound = { ...offer, countersignature };
      await writeOffer(custodian, id, bound);
      const entry = entryOf(custodian, member, permit, { kind: 'release', rules: offer.rules, versions: offer.leaves });
      await custodian.vault.journalOnce(entry).catch((error: unknown) => {
        // The crash came after the journal: what is in it is this release, for the permit was bound to it before.
        const isOwn = isReject(error) && error.code === 'PERMIT_USED' && offer.countersignature === countersignature;
        if (!isOwn) throw error;
      });
      await writeOffer(custodian, id, { ...bound, sealed });
      return sealed;
    },

    async prune({ vault, clock }) {
      for (const { id, bytes } of await vault.listDocuments(OFFER_KIND)) {
        const offer = parseCanonical(bytes) as OfferRecord | undefined;
        if ((offer?.offeredAtMs ?? 0) + OFFER_KEPT_MS < clock()) await vault.putDocument(OFFER_KIND, id, null);
      }
    },
  };
}

/** Exact bytes of all, within the bound. Throws Reject RELEASE_TOO_LARGE. */
async function openAll({ vault }: OrganisationContext, rows: readonly VersionRow[]): Promise<ReleasedVersion[]> {
  let sizeBytes = 0;
  const opened: ReleasedVersion[] = [];
  // A few at a time, so that the bound holds before much more than it allows is in memory.
  for (let at = 0; at < rows.length; at += OPENED_AT_ONCE) {
    const some = rows.slice(at, at + OPENED_AT_ONCE).map(async (row) => {
      const [salt, bytes] = await Promise.all([vault.salt(row), vault.open(row)]);
      return { header: headerOf(row), salt, bytes };
    });
    opened.push(...(await Promise.all(some)));
    sizeBytes = opened.slice(at).reduce((sum, { bytes }) => sum + bytes.length, sizeBytes);
    if (sizeBytes > MAX_RELEASE_BYTES) throw reject('RELEASE_TOO_LARGE', { maxBytes: MAX_RELEASE_BYTES });
  }
  return opened;
}

function entryOf(
  { clock }: OrganisationContext,
  organisation: string,
  { id, account, actor, purpose }: PermitFacts,
  what: { kind: 'release' | 'refusal'; rules: readonly string[]; versions: readonly string[] },
): InteractionHeader {
  const decision = what.kind === 'release' ? 'permit' : 'deny';
  // A refusal uses no permit up.
  return { ...what, account, timeMs: clock(), actor, organisation, purpose, decision, permit: id };
}

async function readOffer({ vault }: OrganisationContext, permit: string): Promise<OfferRecord | undefined> {
  const bytes = await vault.getDocument(OFFER_KIND, permit);
  return bytes === undefined ? undefined : (parseCanonical(bytes) as OfferRecord | undefined);
}

async function writeOffer({ vault }: OrganisationContext, permit: string, offer: OfferRecord): Promise<void> {
  await vault.putDocument(OFFER_KIND, permit, canonicalBytes(offer as unknown as JsonObject));
}
