import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Genesis, genesisHash, parseGenesis } from '../chain/genesis.ts';
import { MAX_VALIDATOR_POWER } from '../chain/validators.ts';
import type { NetworkFiles } from '../cli/node-starter.ts';
import type { ExportManifest } from '../ledger/move/export-manifest.ts';
import { openExport } from '../ledger/move/open-export.ts';
import { canonicalBytes, type Json } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { newValidatorSeeds, validatorOf } from './found-network.ts';
import { HostPort, NETWORK_FORMAT, type NetworkFile } from './network-file.ts';
import { movedGenesis } from './new-network.ts';
import { genesisOf, readCanonicalFile } from './node-data.ts';
import { ValidatorSeeds } from './node-folder.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;

/** A member of the ledger that goes on; `validator` where it has made its keys itself. */
const MovedOrganisation = Type.Object(
  {
    slug: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
    name: Type.String({ pattern: '^[\\x20-\\x7e]{1,120}$' }),
    account: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    p2p: HostPort,
    url: Type.Optional(Type.String({ pattern: '^https?://[^\\s]{1,248}$' })),
    power: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_VALIDATOR_POWER })),
    validator: Type.Optional(
      Type.Object(
        { publicKey: Type.String({ pattern: '^[0-9a-f]{64}$' }), node: Type.String({ pattern: '^[0-9a-f]{40}$' }) },
        strict,
      ),
    ),
  },
  strict,
);

/** Who validates the ledger that goes on. */
const MovePlan = Type.Object(
  {
    name: Type.String({ pattern: '^[\\x20-\\x7e]{1,120}$' }),
    organisations: Type.Array(MovedOrganisation, { minItems: 1, maxItems: 128 }),
    blockBytes: Type.Optional(Type.Integer({ minimum: 128 * 1024, maximum: 16 * 1024 * 1024 })),
  },
  strict,
);

/** What `aceso ledger move` is given beside genesis: the seeds of one validator. Secret. */
const ValidatorKeysFile = Type.Object(
  { format: Type.Literal('aceso.validator-keys/1'), validator: ValidatorSeeds },
  strict,
);

/**
 * The consortium that goes on from an exported ledger, whose genesis is `old`. Limits and witnesses stay. Throws
 * NETWORK_PLAN_WRONG {problem}.
 */
export function foundMovedNetwork(plan: unknown, exported: ExportManifest, old: Genesis, nowMs: number): NetworkFiles {
  if (!Value.Check(MovePlan, plan)) {
    const [first] = Value.Errors(MovePlan, plan);
    throw reject('NETWORK_PLAN_WRONG', { problem: `${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim() });
  }
  const made = plan.organisations.map((organisation) => {
    const seeds = organisation.validator === undefined ? newValidatorSeeds() : undefined;
    return { organisation, seeds, validator: organisation.validator ?? validatorOf(seeds as Seeds) };
  });
  const { limits } = old.sections.chain;
  const genesis = movedGenesis({
    name: plan.name,
    // Block time goes on, whatever this machine's clock says.
    createdMs: Math.max(nowMs, exported.timeMs),
    validators: made.map(({ organisation: { account, power = 1 }, validator }) => ({ account, ...validator, power })),
    ...(plan.blockBytes === undefined ? {} : { blockBytes: plan.blockBytes }),
    previous: { head: exported.head, treeRoot: exported.treeRoot },
    ...(limits === undefined ? {} : { limits }),
    ...(old.witnesses === undefined ? {} : { witnesses: old.witnesses }),
  });
  if (parseGenesis(genesis as unknown as Json) === undefined)
    throw reject('NETWORK_PLAN_WRONG', { problem: 'two validators share an account, key or node, or none has power' });
  const chain = genesisHash(genesis);
  const network: NetworkFile = {
    format: NETWORK_FORMAT,
    chain,
    members: made.map(({ organisation: { account, slug, name, p2p, url }, validator: { node } }) => ({
      ...{ account, slug, name, node, p2p },
      ...(url === undefined ? {} : { url }),
    })),
  };
  return {
    chain,
    genesis: canonicalBytes(genesis as unknown as Json),
    network: canonicalBytes(network),
    organisations: made.map(({ organisation: { slug }, seeds }) => ({
      slug,
      keys:
        seeds === undefined ? undefined : canonicalBytes({ format: 'aceso.validator-keys/1', validator: { ...seeds } }),
    })),
  };
}

type Seeds = Static<typeof ValidatorSeeds>;

/** The same from files: the export's folder, and the genesis of the ledger that it is of. */
export async function foundMovedNetworkFrom(
  plan: unknown,
  { exported, oldGenesis }: { readonly exported: string; readonly oldGenesis: string },
  nowMs: number,
): Promise<NetworkFiles> {
  const old = genesisOf(await readCanonicalFile(oldGenesis));
  const { manifest } = await openExport(exported);
  if (manifest.head.genesis !== genesisHash(old)) throw reject('GENESIS_DIFFERS');
  return foundMovedNetwork(plan, manifest, old, nowMs);
}

/** Seeds of a validator-keys file. Throws INPUT_FILE_UNREADABLE. */
export function parseValidatorKeys(value: Json): Seeds {
  if (!Value.Check(ValidatorKeysFile, value)) throw reject('INPUT_FILE_UNREADABLE', { file: 'keys' });
  return value.validator;
}
