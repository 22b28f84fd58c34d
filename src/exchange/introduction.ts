import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { openSealed, type SealedBox, sealTo } from '../crypto/sealing.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { base64urlToBytes, bytesToBase64url, utf8, utf8ToText } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { ExchangeCall } from './exchange-call.ts';
import type { CustodianPort, Introduction, IntroductionRequest, MemberPort } from './ports.ts';
import { SealedForm } from './sealed-form.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;
const Tag = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** Most categories whose tags one introduction gives. */
export const MAX_CATEGORIES = 32;
const MAX_IDENTIFIER_CHARS = 512;

const AskForm = Type.Object(
  {
    /** UTF-8, base64url: identifiers are not bound to ASCII, canonical JSON is. */
    identifier: Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 4 * MAX_IDENTIFIER_CHARS }),
    practitioner: Type.String({ pattern: '^([0-9a-f]{32})?$' }),
    purpose: Type.String({ pattern: '^[A-Z]{1,16}$' }),
    categories: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
      maxItems: MAX_CATEGORIES,
      uniqueItems: true,
    }),
  },
  strict,
);
const AnswerForm = Type.Object(
  {
    account: Tag,
    actorTags: Type.Array(Tag, { maxItems: 32 }),
    categoryTags: Type.Array(Tag, { maxItems: MAX_CATEGORIES }),
  },
  strict,
);

const ASK_INFO = utf8('aceso/introduction/1');
const ANSWER_INFO = utf8('aceso/introduced/1');

/**
 * Asks a custodian for the account of a patient and the tags of codes. Both ways it is sealed to the member's key on
 * the ledger, so that the identifier reaches the custodian and nobody who poses as it or listens.
 */
export async function askIntroduction(
  { call, members }: { call: ExchangeCall; members: MemberPort },
  organisation: OrganisationContext,
  custodian: string,
  { identifier, practitioner, purpose, categories }: IntroductionRequest,
): Promise<Introduction> {
  const key = members.sealingKeyOf(custodian);
  if (key === undefined) throw reject('EXCHANGE_NODE_UNKNOWN', { member: custodian });
  const ask = canonicalBytes({ identifier: bytesToBase64url(utf8(identifier)), practitioner, purpose, categories });
  const aad = aadOf(organisation.ledger.genesisHash, custodian, organisation.account);
  const answer = await call(organisation, custodian, 'tags', { sealed: await sealTo(key, ask, ASK_INFO, aad) });
  const plain = Value.Check(SealedForm, answer)
    ? await openSealed(organisation.sealing.seed, answer.sealed, ANSWER_INFO, aad)
    : undefined;
  const introduction = plain === undefined ? undefined : parseCanonical(plain);
  if (!Value.Check(AnswerForm, introduction)) throw reject('EXCHANGE_ANSWER_WRONG');
  return introduction;
}

/** The custodian's answer: journalled, since it tells another organisation that the patient is here. */
export async function answerIntroduction(
  { port, members }: { port: CustodianPort; members: MemberPort },
  custodian: OrganisationContext,
  member: string,
  body: JsonObject,
): Promise<JsonObject> {
  if (!Value.Check(SealedForm, body)) throw reject('EXCHANGE_CALL_MALFORMED');
  const aad = aadOf(custodian.ledger.genesisHash, custodian.account, member);
  const plain = await openSealed(custodian.sealing.seed, body.sealed, ASK_INFO, aad);
  const request = plain === undefined ? undefined : readAsk(plain);
  if (request === undefined) throw reject('EXCHANGE_CALL_MALFORMED');
  const found = await port.introduce(custodian, member, request);
  const key = members.sealingKeyOf(member);
  if (found === undefined || key === undefined) throw reject('EXCHANGE_PATIENT_UNKNOWN');
  await custodian.vault.journal([
    {
      ...{
        kind: 'read',
        account: found.account,
        timeMs: custodian.clock(),
        decision: 'permit',
        versions: [],
        permit: '',
      },
      ...{ actor: request.practitioner === '' ? member : request.practitioner, organisation: member },
      ...{ purpose: request.purpose, rules: ['default:introduction'] },
    },
  ]);
  const sealed: SealedBox = await sealTo(key, canonicalBytes(found), ANSWER_INFO, aad);
  return { sealed };
}

function readAsk(plain: Uint8Array): IntroductionRequest | undefined {
  const ask = parseCanonical(plain);
  const identifier = Value.Check(AskForm, ask) ? base64urlToBytes(ask.identifier) : undefined;
  if (identifier === undefined) return undefined;
  try {
    return { ...(ask as unknown as IntroductionRequest), identifier: utf8ToText(identifier) };
  } catch {
    return undefined;
  }
}

function aadOf(chain: string, custodian: string, member: string): Uint8Array {
  return frame('aceso/introduction/1', utf8(chain), utf8(custodian), utf8(member));
}
