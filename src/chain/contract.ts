import type { Static, TSchema } from 'typebox';
import type { StateMap, StateReader, StateWriter } from '../state/typed-map.ts';
import type { Json, JsonObject } from '../std/canonical-json.ts';
import type { CodeCatalogue } from '../std/reject.ts';
import type { AccountRecord, KeyRecord } from './account.ts';
import type { BlockHeader, Misbehaviour } from './block.ts';

/** One who signed the transaction, as the ledger knew the signer and the key when the message ran. */
export interface Signer {
  readonly account: string;
  readonly role: 'sender' | 'approver';
  readonly record: AccountRecord;
  readonly key: KeyRecord;
}

/** All that a contract may look at: the block, the transaction, the message and the state. Nothing else exists. */
export interface MessageContext<Message> {
  readonly block: BlockHeader;
  readonly transaction: { readonly id: string; readonly sender: Signer; readonly approvers: readonly Signer[] };
  readonly message: Message;
  readonly state: StateWriter;
  /** Charges `units` of work beyond the charge for reads, writes and bytes; may reject with WORK_EXCEEDED. */
  work(units: number): void;
}

/** One message type of one rule version. */
export interface MessageRule<Schema extends TSchema = TSchema> {
  /** Shape of the message without `type`; unknown members are refused (`additionalProperties: false`). */
  readonly schema: Schema;
  /** `urgent`: revoke, veto, freeze; runs in the lane kept free for them. */
  readonly lane: 'ordinary' | 'urgent';
  /** True when a patient's key must be a WebAuthn one to sign it (a sensitive act) once the account has such a key. */
  readonly sensitive?: boolean;
  /** True for what a frozen account may still sign: what unfreezes it. */
  readonly whileFrozen?: boolean;
  /**
   * Keys that the message itself brings for one existing account (a claim): dispatch lets a signer of that account
   * use one of them though state does not hold it yet, so that the new key proves its possession by signing. The
   * handler still decides whether the account may take it.
   */
  readonly introduces?: (message: Static<Schema>) => { readonly account: string; readonly keys: readonly KeyRecord[] };
  /** Applies the message; returns the outcome's data. Rejects with a code of its capability's catalogue. */
  handle(context: MessageContext<Static<Schema>>): JsonObject;
}

/** Keeps the message's type beside its handler: `messageRule({ schema, lane, handle })`. */
export function messageRule<Schema extends TSchema>(rule: MessageRule<Schema>): MessageRule {
  return rule as unknown as MessageRule;
}

/** The rules of one version of a capability, by message name (`consent.grant`). */
export interface RuleSet {
  readonly version: number;
  readonly messages: Readonly<Record<string, MessageRule>>;
  /** Called once per block with misbehaviour, before the transactions. */
  misbehaviour?(state: StateWriter, block: BlockHeader, reports: readonly Misbehaviour[]): void;
}

/** The contract floor of a capability. */
export interface Contract {
  readonly name: string;
  readonly codes: CodeCatalogue;
  // biome-ignore lint/suspicious/noExplicitAny: maps of any key and value are listed side by side
  readonly maps: readonly StateMap<any, any>[];
  readonly ruleSets: readonly RuleSet[];
  /** Writes the capability's part of the state of block 0 from its section of genesis. */
  genesis?(state: StateWriter, section: JsonObject): void;
  /** Named reads for clients, at a committed state: pure, bounded. */
  readonly queries?: Readonly<Record<string, (state: StateReader, argument: JsonObject) => Json>>;
}
