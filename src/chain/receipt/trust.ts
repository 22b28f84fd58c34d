import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Json, type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { genesisHash, parseGenesis } from '../genesis.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

export const CHECKPOINT_FORMAT = 'aceso.checkpoint/1';
const MAX_TRUST_BYTES = 16 * 1024 * 1024;

const strict = { additionalProperties: false } as const;
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const NamedKey = Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }), publicKey: Hash }, strict);

/** A later state of the ledger that its reader trusts: the head, and the keys that count from there on. */
const CheckpointSchema = Type.Object(
  {
    format: Type.Literal(CHECKPOINT_FORMAT),
    head: Type.Object({ genesis: Hash, height: Count, logSize: Count, logRoot: Hash, appHash: Hash }, strict),
    operator: Type.Object({ kind: Type.Literal('embedded'), publicKey: Hash }, strict),
    witnesses: Type.Array(NamedKey, { maxItems: 64 }),
  },
  strict,
);

export type CheckpointFile = Static<typeof CheckpointSchema>;

/** What a verifier starts from: the hash of genesis, the keys that may sign, and a head when it holds a later one. */
export interface Trust {
  readonly genesis: string;
  /** Proves heads of the embedded host; its members depend on `kind`. */
  readonly operator: JsonObject & { readonly kind: string };
  readonly witnesses: readonly { readonly name: string; readonly publicKey: string }[];
  readonly head?: CheckpointFile['head'];
}

/** Trust from the exact bytes of a genesis document or of a checkpoint. Throws Reject TRUST_MALFORMED. */
export function parseTrust(bytes: Uint8Array): Trust {
  const value = bytes.length > MAX_TRUST_BYTES ? undefined : parseCanonical(bytes);
  if (value === undefined) throw reject('TRUST_MALFORMED');
  if (Value.Check(CheckpointSchema, value)) {
    const { head, operator, witnesses } = value;
    return { genesis: head.genesis, operator, witnesses, head };
  }
  return genesisTrust(value);
}

function genesisTrust(value: Json): Trust {
  const genesis = parseGenesis(value);
  if (genesis === undefined) throw reject('TRUST_MALFORMED');
  return { genesis: genesisHash(genesis), operator: genesis.operator, witnesses: genesis.witnesses ?? [] };
}
