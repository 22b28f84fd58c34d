import { sha256 } from '#crypto/platform';
import { createExclusive } from '../../jobs/exclusive.ts';
import { bytesToHex, utf8 } from '../../std/bytes.ts';
import { frame } from '../../std/frame.ts';
import { rejecter } from '../../std/reject.ts';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import { CODES } from './codes.ts';
import type { Credential } from './credential.ts';

const reject = rejecter(CODES);

/** A passkey as its organisation keeps it. */
export interface Passkey {
  /** Credential id, base64url. */
  readonly id: string;
  /** COSE_Key (RFC 9052 §7), base64url. */
  readonly publicKey: string;
  /** Signature counter that was seen last; passkeys that are synchronised keep it at zero. */
  readonly counter: number;
  readonly transports: readonly string[];
  /** Kept by a service and on several devices, rather than in one device. */
  readonly isSynchronised: boolean;
  readonly createdMs: number;
  /** What its owner had signed in by when it was made; absent where an administrator's link let them. */
  readonly by?: Credential;
  readonly usedMs?: number;
  /** When it last counted fewer uses than were seen: it may have been copied. */
  readonly wentBackMs?: number;
}

/** Whose passkeys a user handle stands for. */
export interface PasskeyHolder {
  readonly custodian: string;
  readonly account: string;
}

/** The passkeys of people, one document a person, in the vault of the organisation that attests them. */
export interface PasskeyBook {
  passkeysOf(custodian: string, account: string): Promise<readonly Passkey[]>;
  /** The passkey with that id of the person with that user handle. Two people may have the same id: handles part them. */
  find(
    handle: Uint8Array,
    id: string,
  ): Promise<{ readonly holder: PasskeyHolder; readonly passkey: Passkey } | undefined>;
  /** Throws Reject PASSKEY_KNOWN, PASSKEYS_TOO_MANY. `before` runs in the same turn, before anything is written. */
  add(custodian: string, account: string, passkey: Passkey, before?: () => Promise<void>): Promise<void>;
  /**
   * Puts what `change` makes of a passkey in its place, as one step among all changes. Returning undefined removes it.
   * Throws Reject PASSKEY_UNKNOWN.
   */
  update(
    { custodian, account }: PasskeyHolder,
    id: string,
    change: (passkey: Passkey) => Passkey | undefined,
  ): Promise<void>;
}

const KIND = 'passkeys';
export const MAX_PASSKEYS = 16;

type Document = { readonly account: string; readonly passkeys: readonly Passkey[] };

/** What authenticators keep of a person (WebAuthn L3 §5.4.3): 32 bytes that tell nothing without the account's id. */
export function userHandle(custodian: string, account: string): Uint8Array {
  return sha256(frame('aceso/user-handle/1', utf8(custodian), utf8(account)));
}

/** Where an organisation keeps its people. Throws Reject PERSON_UNKNOWN for one that is not of this node. */
export function storeOfPeople(stores: readonly DocumentStore[], custodian: string): DocumentStore {
  const store = stores.find((one) => one.custodian === custodian);
  if (store === undefined) throw reject('PERSON_UNKNOWN');
  return store;
}

export function createPasskeyBook(stores: readonly DocumentStore[]): PasskeyBook {
  const inTurn = createExclusive();

  const storeOf = (custodian: string) => storeOfPeople(stores, custodian);

  async function passkeysOf(custodian: string, account: string): Promise<readonly Passkey[]> {
    const id = bytesToHex(userHandle(custodian, account));
    return (await readJson<Document>(storeOf(custodian), KIND, id))?.passkeys ?? [];
  }

  async function write({ custodian, account }: PasskeyHolder, passkeys: readonly Passkey[]): Promise<void> {
    const document = passkeys.length === 0 ? undefined : ({ account, passkeys } satisfies Document);
    await writeJson(storeOf(custodian), KIND, bytesToHex(userHandle(custodian, account)), document);
  }

  return {
    passkeysOf,
    async find(handle, id) {
      for (const store of stores) {
        const document = await readJson<Document>(store, KIND, bytesToHex(handle));
        const passkey = document?.passkeys.find((one) => one.id === id);
        if (document === undefined || passkey === undefined) continue;
        return { holder: { custodian: store.custodian, account: document.account }, passkey };
      }
      return undefined;
    },
    add: (custodian, account, passkey, before) =>
      inTurn(async () => {
        const known = await passkeysOf(custodian, account);
        if (known.some(({ id }) => id === passkey.id)) throw reject('PASSKEY_KNOWN');
        if (known.length >= MAX_PASSKEYS) throw reject('PASSKEYS_TOO_MANY', { limit: MAX_PASSKEYS });
        await before?.();
        await write({ custodian, account }, [...known, passkey]);
      }),
    update: (holder, id, change) =>
      inTurn(async () => {
        const known = await passkeysOf(holder.custodian, holder.account);
        if (!known.some((one) => one.id === id)) throw reject('PASSKEY_UNKNOWN');
        const changed = known.map((one) => (one.id === id ? change(one) : one));
        await write(
          holder,
          changed.filter((one) => one !== undefined),
        );
      }),
  };
}
