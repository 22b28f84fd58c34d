import { randomBytes, sha256 } from '#crypto/platform';
import { createExclusive } from '../../jobs/exclusive.ts';
import { bytesToBase64url, bytesToHex, utf8 } from '../../std/bytes.ts';
import { frame } from '../../std/frame.ts';
import { rejecter } from '../../std/reject.ts';
import { type DocumentStore, listJson, readJson, writeJson } from '../documents.ts';
import type { AttestationPort } from './attestation.ts';
import { CODES } from './codes.ts';
import { type Passkey, type PasskeyBook, type PasskeyHolder, storeOfPeople } from './passkey-book.ts';
import type { Person } from './person.ts';

const reject = rejecter(CODES);

/** How long an enrolment link is good for. */
const ENROLMENT_LIFE_MS = 24 * 60 * 60 * 1000;

const PERSON = 'person';
const ENROLMENT = 'enrolment';
/** What a patient may declare: a request of their own. */
const PATIENT_PURPOSES = ['PATRQT'];

/** Somebody who works for an organisation. Which roles they have is the ledger's to say, so it is not kept here. */
type PersonDocument = {
  readonly account: string;
  readonly label: string;
  readonly purposes: readonly string[];
  readonly status: 'active' | 'dismissed';
  readonly hiredMs: number;
  /** Hash of the one link that enrols a passkey; a newer one takes its place, so an older link opens nothing. */
  readonly enrolment?: string;
};

type EnrolmentDocument = { readonly account: string; readonly expiresAtMs: number };

/** One-time code of an enrolment link, shown once. */
export interface Invitation {
  readonly code: string;
  readonly expiresAtMs: number;
}

/** Somebody as administrators see them. */
export interface ListedPerson {
  readonly account: string;
  readonly label: string;
  readonly roles: readonly string[];
  readonly purposes: readonly string[];
  /** `lapsed`: the ledger does not attest the account any more. */
  readonly status: 'active' | 'dismissed' | 'lapsed';
  readonly passkeys: readonly ListedPasskey[];
}

/** A passkey as its owner and administrators see it. */
export type ListedPasskey = Omit<Passkey, 'publicKey' | 'transports'>;

/** The people of this node's organisations: who they are, and by what they sign in. */
export interface People {
  person(custodian: string, account: string): Promise<Person | undefined>;
  /** Keeps somebody whom the ledger attests as a practitioner of the custodian. Throws Reject PERSON_NOT_ATTESTED. */
  add(custodian: string, person: { account: string; label: string; purposes: readonly string[] }): Promise<Invitation>;
  /** A new link, which ends the last one. Throws Reject PERSON_UNKNOWN, PERSON_NOT_ATTESTED. */
  invite(custodian: string, account: string): Promise<Invitation>;
  list(custodian: string): Promise<readonly ListedPerson[]>;
  /** From the answer on they neither sign in nor act by a token that asks for the person. Throws Reject PERSON_UNKNOWN. */
  dismiss(custodian: string, account: string): Promise<void>;
  /** Of a patient too; none for an account that is unknown here. */
  passkeysOf(custodian: string, account: string): Promise<readonly ListedPasskey[]>;
  /** Of a patient too. Throws Reject PASSKEY_UNKNOWN. */
  removePasskey(custodian: string, account: string, id: string): Promise<void>;
  /** Whom a link's code enrols. Throws Reject ENROLMENT_WRONG. */
  invited(code: string): Promise<PasskeyHolder>;
  /** Uses a code up: once. Throws Reject ENROLMENT_WRONG. */
  redeem(code: string): Promise<void>;
}

/** What administrators call somebody who works, or has worked, for the organisation; undefined for whom they never named. */
export async function labelOf(store: DocumentStore, account: string): Promise<string | undefined> {
  return (await readJson<PersonDocument>(store, PERSON, account))?.label;
}

export function createPeople(deps: {
  stores: readonly DocumentStore[];
  attestation: AttestationPort;
  passkeys: PasskeyBook;
  clock: () => number;
}): People {
  const { stores, attestation, passkeys, clock } = deps;
  // A link that is used while its person is dismissed must not undo the dismissal.
  const inTurn = createExclusive();

  const storeOf = (custodian: string) => storeOfPeople(stores, custodian);

  async function documentOf(custodian: string, account: string): Promise<PersonDocument> {
    const document = await readJson<PersonDocument>(storeOf(custodian), PERSON, account);
    if (document === undefined) throw reject('PERSON_UNKNOWN');
    return document;
  }

  async function person(custodian: string, account: string): Promise<Person | undefined> {
    const store = stores.find((one) => one.custodian === custodian);
    const attested = attestation.attested(custodian, account);
    if (store === undefined || attested === undefined) return undefined;
    if (attested.kind === 'patient') {
      const own = { kind: 'patient', organisation: account, roles: [], purposes: PATIENT_PURPOSES } as const;
      return { custodian, account, ...own, label: 'patient' };
    }
    const document = await readJson<PersonDocument>(store, PERSON, account);
    if (document?.status !== 'active') return undefined;
    const { label, purposes } = document;
    return {
      custodian,
      account,
      kind: 'practitioner',
      organisation: custodian,
      roles: attested.roles,
      purposes,
      label,
    };
  }

  async function invite(custodian: string, document: PersonDocument): Promise<Invitation> {
    if (document.status !== 'active' || attestation.attested(custodian, document.account)?.kind !== 'practitioner')
      throw reject('PERSON_NOT_ATTESTED');
    const store = storeOf(custodian);
    const code = bytesToBase64url(randomBytes(16));
    const hash = hashOf(code);
    const expiresAtMs = clock() + ENROLMENT_LIFE_MS;
    await writeJson(store, ENROLMENT, hash, { account: document.account, expiresAtMs } satisfies EnrolmentDocument);
    // The link opens something from here on: a crash before leaves a document that nobody's names.
    await writeJson(store, PERSON, document.account, { ...document, enrolment: hash } satisfies PersonDocument);
    if (document.enrolment !== undefined) await writeJson(store, ENROLMENT, document.enrolment, undefined);
    return { code, expiresAtMs };
  }

  async function passkeysOf(custodian: string, account: string): Promise<readonly ListedPasskey[]> {
    const known = await passkeys.passkeysOf(custodian, account);
    return known.map(({ publicKey: _key, transports: _transports, ...shown }) => shown);
  }

  /** The enrolment behind a code, if its person still names it. */
  async function open(code: string) {
    const hash = hashOf(code);
    for (const store of stores) {
      // By hash, so a comparison's timing tells nothing of a code.
      const enrolment = await readJson<EnrolmentDocument>(store, ENROLMENT, hash);
      if (enrolment === undefined) continue;
      const { account } = enrolment;
      const document = await readJson<PersonDocument>(store, PERSON, account);
      if (document?.enrolment !== hash || enrolment.expiresAtMs <= clock()) break;
      if ((await person(store.custodian, account)) === undefined) break;
      return { store, hash, document };
    }
    throw reject('ENROLMENT_WRONG');
  }

  return {
    person,
    add: (custodian, { account, label, purposes }) =>
      inTurn(() => invite(custodian, { account, label, purposes, status: 'active', hiredMs: clock() })),
    invite: (custodian, account) => inTurn(async () => invite(custodian, await documentOf(custodian, account))),
    async list(custodian) {
      const documents = await listJson<PersonDocument>(storeOf(custodian), PERSON);
      return Promise.all(
        documents.map(async ({ value: { account, label, purposes, status } }) => {
          const attested = attestation.attested(custodian, account);
          return {
            ...{ account, label, purposes, roles: attested?.kind === 'practitioner' ? attested.roles : [] },
            status: status === 'active' && attested === undefined ? 'lapsed' : status,
            passkeys: await passkeysOf(custodian, account),
          };
        }),
      );
    },
    dismiss: (custodian, account) =>
      inTurn(async () => {
        const { enrolment, ...document } = await documentOf(custodian, account);
        const store = storeOf(custodian);
        await writeJson(store, PERSON, account, { ...document, status: 'dismissed' } satisfies PersonDocument);
        if (enrolment !== undefined) await writeJson(store, ENROLMENT, enrolment, undefined);
      }),
    passkeysOf,
    removePasskey: (custodian, account, id) => passkeys.update({ custodian, account }, id, () => undefined),
    async invited(code) {
      const { store, document } = await open(code);
      return { custodian: store.custodian, account: document.account };
    },
    redeem: (code) =>
      inTurn(async () => {
        const { store, hash, document } = await open(code);
        const { enrolment: _used, ...rest } = document;
        await writeJson(store, PERSON, document.account, rest satisfies PersonDocument);
        await writeJson(store, ENROLMENT, hash, undefined);
      }),
  };
}

function hashOf(code: string): string {
  return bytesToHex(sha256(frame('aceso/enrolment/1', utf8(code))));
}
