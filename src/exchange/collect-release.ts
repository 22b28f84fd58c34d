import { setTimeout as pause } from 'node:timers/promises';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { sha256 } from '#crypto/platform';
import { openAes256Gcm } from '../crypto/node/aead.ts';
import { openSealed } from '../crypto/sealing.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { base64urlToBytes, bytesToHex } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { isReject, rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { ExchangeCall } from './exchange-call.ts';
import { encodePayload, MAX_RELEASE_VERSIONS, openPayload, type ReleasedVersion } from './release-payload.ts';
import { leavesHash, RELEASE_KEY_INFO, releaseAad, releaseSignBytes } from './release-terms.ts';
import { SealedForm } from './sealed-form.ts';

const reject = rejecter(CODES);

/** Documents of the requester's vault: offers that were countersigned and not opened yet; what was released. */
const PENDING_KIND = 'release-pending';
const RELEASED_KIND = 'released';
/** After that the custodian has forgotten the key. */
const PENDING_KEPT_MS = 24 * 60 * 60 * 1000;

/** How often, and how far apart, a permit is asked for that the custodian's node has not executed yet. */
const PERMIT_TRIES = 40;
const PERMIT_PAUSE_MS = 250;

const OfferForm = Type.Object(
  {
    ciphertext: Type.String({ pattern: '^[A-Za-z0-9_-]+$' }),
    leaves: Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { minItems: 1, maxItems: MAX_RELEASE_VERSIONS }),
  },
  { additionalProperties: false },
);

/** A permit of this organisation, as the ledger's outcome gave it. A type alias, so that it is canonical JSON. */
export type GrantedPermit = {
  readonly custodian: string;
  readonly account: string;
  /** Id of the transaction. */
  readonly permit: string;
  /** Who asked: the practitioner, else the member. */
  readonly actor: string;
  readonly purpose: string;
  readonly rules: readonly string[];
};

type Pending = GrantedPermit & {
  readonly ciphertext: string;
  readonly leaves: readonly string[];
  readonly countersignature: string;
  readonly atMs: number;
};

/** The requester's side: from a permit on the ledger to verified versions in its own vault. */
export interface ReleaseCollector {
  /**
   * Throws the custodian's refusals, EXCHANGE_UNREACHABLE, RELEASE_UNVERIFIED. What was countersigned is written down
   * before it is sent: if the answer is lost, `resume` gets it.
   */
  collect(organisation: OrganisationContext, permit: GrantedPermit): Promise<readonly ReleasedVersion[]>;
  /** Takes up what a crash or a lost answer left. */
  resume(organisation: OrganisationContext): Promise<void>;
}

export function createReleaseCollector({ call }: { call: ExchangeCall }): ReleaseCollector {
  async function offerOf(organisation: OrganisationContext, { custodian, account, permit }: GrantedPermit) {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await call(organisation, custodian, 'offer', { account, permit });
        if (!Value.Check(OfferForm, answer)) throw reject('EXCHANGE_ANSWER_WRONG');
        return answer;
      } catch (error) {
        const isBehind = isReject(error) && error.code === 'EXCHANGE_PERMIT_UNKNOWN' && attempt < PERMIT_TRIES;
        if (!isBehind) throw error;
        await pause(PERMIT_PAUSE_MS);
      }
    }
  }

  async function finish(organisation: OrganisationContext, pending: Pending): Promise<readonly ReleasedVersion[]> {
    const { vault, signer, sealing } = organisation;
    const { custodian, account, permit, countersignature, leaves } = pending;
    const ciphertext = base64urlToBytes(pending.ciphertext) as Uint8Array;
    const parties = partiesOf(organisation, pending);
    const signed = termsOf(organisation, pending);
    const body = { account, permit, countersignature, key: signer.keyId };
    const answer = await call(organisation, custodian, 'countersign', body);
    if (!Value.Check(SealedForm, answer)) throw reject('EXCHANGE_ANSWER_WRONG');
    const key = await openSealed(sealing.seed, answer.sealed, RELEASE_KEY_INFO, signed);
    const plain = key?.length === 32 ? openAes256Gcm(key, ciphertext, releaseAad(parties)) : undefined;
    const versions = plain === undefined ? undefined : openPayload(plain, account, leaves);
    if (versions === undefined) throw reject('RELEASE_UNVERIFIED');
    await keep(organisation, pending, versions);
    await vault.putDocument(PENDING_KIND, permit, null);
    return versions;
  }

  return {
    async collect(organisation, permit) {
      const offer = await offerOf(organisation, permit);
      const unsigned = { ...permit, ...offer, atMs: organisation.clock(), countersignature: '' };
      const countersignature = bytesToHex(await organisation.signer.sign(termsOf(organisation, unsigned)));
      const pending: Pending = { ...unsigned, countersignature };
      await organisation.vault.putDocument(PENDING_KIND, permit.permit, canonicalBytes(pending));
      try {
        return await finish(organisation, pending);
      } catch (error) {
        if (isFinal(error)) await organisation.vault.putDocument(PENDING_KIND, permit.permit, null);
        throw error;
      }
    },

    async resume(organisation) {
      const { vault, clock, log } = organisation;
      for (const { id, bytes } of await vault.listDocuments(PENDING_KIND)) {
        const pending = parseCanonical(bytes) as Pending;
        const isOver = pending.atMs + PENDING_KEPT_MS < clock();
        if (!isOver && pending.atMs + PERMIT_PAUSE_MS * PERMIT_TRIES > clock()) continue;
        const error: unknown = isOver
          ? undefined
          : await finish(organisation, pending).then(
              () => false,
              (thrown) => thrown,
            );
        if (isOver || isFinal(error)) {
          log.warn({ permit: id, code: isReject(error) ? error.code : 'EXPIRED' }, 'a release was never opened');
          await vault.putDocument(PENDING_KIND, id, null);
        }
      }
    },
  };
}

/** Refusals are final; an unreachable node or an answer that got lost is not. */
function isFinal(error: unknown): boolean {
  return isReject(error) && error.kind !== 'unavailable';
}

/** Journalled first, once, then kept: nothing that was released to us lies here without an entry. */
async function keep(
  organisation: OrganisationContext,
  pending: Pending,
  versions: readonly ReleasedVersion[],
): Promise<void> {
  const { vault, clock, account: own } = organisation;
  const { account, actor, purpose, rules, permit, leaves, custodian, countersignature } = pending;
  const entry = { account, actor, purpose, rules, permit, versions: leaves, organisation: own, timeMs: clock() };
  await vault.journalOnce({ kind: 'release', decision: 'permit', ...entry }).catch((error: unknown) => {
    if (!isReject(error) || error.code !== 'PERMIT_USED') throw error;
  });
  const document: JsonObject = {
    ...{ format: 'aceso.released/1', custodian, account, permit, purpose, actor, countersignature },
    release: parseCanonical(encodePayload(versions)) as JsonObject,
  };
  await vault.putDocument(RELEASED_KIND, permit, canonicalBytes(document));
}

function partiesOf({ ledger, account: requester }: OrganisationContext, { custodian, account, permit }: GrantedPermit) {
  return { chain: ledger.genesisHash, custodian, requester, account, permit };
}

function termsOf(organisation: OrganisationContext, pending: Pending): Uint8Array {
  const ciphertextHash = sha256(base64urlToBytes(pending.ciphertext) ?? new Uint8Array());
  return releaseSignBytes({
    ...partiesOf(organisation, pending),
    ciphertextHash,
    leavesHash: leavesHash(pending.leaves),
  });
}
