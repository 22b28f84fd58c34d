import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Json, type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { ValidatorSet } from '../cometbft/light-block.ts';
import { isValidatorSet } from '../cometbft/validators-hash.ts';
import { cometBftOperator, type Genesis, genesisHash, parseGenesis } from '../genesis.ts';
import { sortValidators } from '../validators.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

export const CHECKPOINT_FORMAT = 'aceso.checkpoint/1';
const MAX_TRUST_BYTES = 16 * 1024 * 1024;

const strict = { additionalProperties: false } as const;
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const NamedKey = Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }), publicKey: Hash }, strict);

/** The set of validators that signs the header after the trusted head's block, in CometBFT's order. */
const CometBftTrust = Type.Object({ kind: Type.Literal('cometbft'), validators: ValidatorSet }, strict);
export type CometBftTrust = Static<typeof CometBftTrust>;

/** A later state of the ledger that its reader trusts: the head, and the keys that count from there on. */
const CheckpointSchema = Type.Object(
  {
    format: Type.Literal(CHECKPOINT_FORMAT),
    head: Type.Object({ genesis: Hash, height: Count, logSize: Count, logRoot: Hash, appHash: Hash }, strict),
    operator: Type.Union([Type.Object({ kind: Type.Literal('embedded'), publicKey: Hash }, strict), CometBftTrust]),
    witnesses: Type.Array(NamedKey, { maxItems: 64 }),
  },
  strict,
);

export type CheckpointFile = Static<typeof CheckpointSchema>;

/** What a verifier starts from: the hash of genesis, the keys that may sign, and a head when it holds a later one. */
export interface Trust {
  readonly genesis: string;
  /** Proves heads; its members depend on `kind`. For `cometbft` those of a checkpoint, of a genesis too. */
  readonly operator: JsonObject & { readonly kind: string };
  readonly witnesses: readonly { readonly name: string; readonly publicKey: string }[];
  readonly head?: CheckpointFile['head'];
}

/** Trust from the exact bytes of a genesis document or of a checkpoint. Throws Reject TRUST_MALFORMED. */
export function parseTrust(bytes: Uint8Array): Trust {
  const value = bytes.length > MAX_TRUST_BYTES ? undefined : parseCanonical(bytes);
  if (value === undefined) throw reject('TRUST_MALFORMED');
  if (!Value.Check(CheckpointSchema, value)) {
    const genesis = parseGenesis(value);
    if (genesis === undefined) throw reject('TRUST_MALFORMED');
    return genesisTrust(genesis);
  }
  const { head, operator, witnesses } = value;
  if (operator.kind === 'cometbft' && !isCometBftTrust(operator)) throw reject('TRUST_MALFORMED');
  return { genesis: head.genesis, operator, witnesses, head };
}

/** Whether heads are proved by a set of validators, and the set is one: in order, nobody twice, powers within bounds. */
export function isCometBftTrust(operator: Json): operator is CometBftTrust {
  return Value.Check(CometBftTrust, operator) && isValidatorSet(operator.validators);
}

/** What a genesis document says of who proves its ledger. */
export function genesisTrust(genesis: Genesis): Trust {
  const { operator, witnesses = [] } = genesis;
  return { genesis: genesisHash(genesis), operator: foundingOperator(operator), witnesses };
}

/** Of a consortium's founders those who vote, which is the set that signs from the first header on. */
function foundingOperator(operator: Trust['operator']): Trust['operator'] {
  const founders = cometBftOperator(operator)?.validators;
  if (founders === undefined) return operator;
  return { kind: 'cometbft', validators: sortValidators(founders.filter(({ power }) => power > 0)) };
}
