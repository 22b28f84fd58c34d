import { chainIdOf } from '../../../chain/chain-id.ts';
import { cometBftOperator, type Genesis, genesisHash } from '../../../chain/genesis.ts';
import { validatorAddress } from '../../../chain/validators.ts';
import { bytesToBase64, hexToBytes } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';

/** How long evidence of double signing counts, and light clients may trust a header (CometBFT wants trust ≤ this). */
const EVIDENCE_MAX_AGE_NANOSECONDS = String(14 * 24 * 3600 * 1_000_000_000);
const EVIDENCE_MAX_AGE_BLOCKS = '1000000';
const EVIDENCE_MAX_BYTES = 1024 * 1024;

/**
 * CometBFT's genesis document of a consortium's (types/genesis.go, GenesisDoc; numbers of 64 bits are strings, see
 * libs/json/doc.go). Validators without power are members' nodes that do not vote; CometBFT refuses them here.
 * `app_state` is our document, which CometBFT hands on in InitChain with other white space and escapes than ours, so
 * whoever reads it parses it and hashes its canonical form. Throws RangeError when the ledger is no consortium's.
 */
export function engineGenesis(genesis: Genesis): JsonObject {
  const operator = cometBftOperator(genesis.operator);
  if (operator === undefined) throw new RangeError('the genesis document is not that of a consortium');
  return {
    genesis_time: new Date(genesis.createdMs).toISOString(),
    chain_id: chainIdOf(genesisHash(genesis)),
    initial_height: String((genesis.previous?.head.height ?? 0) + 1),
    consensus_params: consensusParams(operator.blockBytes),
    validators: operator.validators
      .filter(({ power }) => power > 0)
      .map(({ account, publicKey, power }) => ({
        address: validatorAddress(publicKey).toUpperCase(),
        pub_key: { type: 'tendermint/PubKeyEd25519', value: bytesToBase64(hexToBytes(publicKey) as Uint8Array) },
        power: String(power),
        name: account,
      })),
    app_hash: '',
    app_state: genesis as unknown as JsonObject,
  };
}

/** Types/params.go. Work is bounded by our own budgets, so there is no gas. */
function consensusParams(blockBytes: number): JsonObject {
  return {
    block: { max_bytes: String(blockBytes), max_gas: '-1' },
    evidence: {
      max_age_num_blocks: EVIDENCE_MAX_AGE_BLOCKS,
      max_age_duration: EVIDENCE_MAX_AGE_NANOSECONDS,
      max_bytes: String(Math.min(EVIDENCE_MAX_BYTES, blockBytes)),
    },
    validator: { pub_key_types: ['ed25519'] },
    version: { app: '1' },
    abci: { vote_extensions_enable_height: '0' },
  };
}
