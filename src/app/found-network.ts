import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { randomBytes } from '#crypto/platform';
import { MemberSchema } from '../capabilities/membership/contract/ballots.ts';
import { RolesSchema } from '../capabilities/membership/contract/schemas.ts';
import { type Genesis, genesisHash, parseGenesis } from '../chain/genesis.ts';
import { createKernel } from '../chain/kernel.ts';
import { MAX_VALIDATOR_POWER } from '../chain/validators.ts';
import type { FoundedNetwork, ValidatorIdentity } from '../cli/node-starter.ts';
import { ed25519PublicKey } from '../crypto/node/ed25519.ts';
import { nodeIdOf } from '../ledger/cometbft/engine/key-files.ts';
import { verifyTask } from '../ledger/intake/verify-task.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { canonicalBytes, type Json, type JsonObject } from '../std/canonical-json.ts';
import { isReject, rejecter } from '../std/reject.ts';
import { type FounderEntry, newOrganisationKeys } from '../wallet/node/organisation-keys.ts';
import { CODES } from './codes.ts';
import { CONTRACTS } from './contracts.ts';
import { HostPort, NETWORK_FORMAT, type NetworkFile } from './network-file.ts';
import { type GenesisPlan, newGenesis } from './new-network.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;

/** Documents are ASCII, in bytes that everybody has alike. */
const Name = Type.String({ pattern: '^[\\x20-\\x7e]{1,120}$' });

/** An organisation of a plan: with `entry` and `validator` it has made its own keys, without they are made here. */
const PlannedOrganisation = Type.Object(
  {
    slug: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
    name: Name,
    /** Of an organisation whose keys are made here; an entry has its own. */
    roles: Type.Optional(Type.Unsafe<readonly string[]>(RolesSchema)),
    /** `HOST:PORT` at which the other validators reach its engine. */
    p2p: HostPort,
    url: Type.Optional(Type.String({ pattern: '^https?://[^\\s]{1,248}$' })),
    /** Voting power; 1 unless the plan says otherwise. */
    power: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_VALIDATOR_POWER })),
    entry: Type.Optional(Type.Unsafe<FounderEntry>(MemberSchema)),
    validator: Type.Optional(
      Type.Object(
        {
          publicKey: Type.String({ pattern: '^[0-9a-f]{64}$' }),
          node: Type.String({ pattern: '^[0-9a-f]{40}$' }),
        },
        strict,
      ),
    ),
  },
  strict,
);

/** What `aceso network init` reads: who founds the network, and where their nodes are. */
const Plan = Type.Object(
  {
    name: Name,
    organisations: Type.Array(PlannedOrganisation, { minItems: 1, maxItems: 128 }),
    /** Most bytes in a block. */
    blockBytes: Type.Optional(Type.Integer({ minimum: 128 * 1024, maximum: 16 * 1024 * 1024 })),
  },
  strict,
);
export type NetworkPlan = Static<typeof Plan>;

/** The plan of parsed JSON. Throws NETWORK_PLAN_WRONG {problem}. */
export function parsePlan(value: unknown): NetworkPlan {
  if (!Value.Check(Plan, value)) {
    const [first] = Value.Errors(Plan, value);
    throw wrong(`${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim());
  }
  const { organisations } = value;
  requireDistinct(organisations.map(({ slug }) => slug));
  requireDistinct(organisations.map(({ p2p }) => p2p));
  requireDistinct(organisations.flatMap(({ url }) => (url === undefined ? [] : [url])));
  const half = organisations.find(({ entry, validator }) => (entry === undefined) !== (validator === undefined));
  const bare = organisations.find(({ entry, roles }) => entry === undefined && roles === undefined);
  if (bare !== undefined) throw wrong(`${bare.slug}: roles are missing`);
  if (half !== undefined) throw wrong(`${half.slug}: entry and validator belong together`);
  if (organisations.every(({ power }) => power === 0)) throw wrong('no organisation has voting power');
  return value;
}

function requireDistinct(names: readonly string[]): void {
  const repeated = names.find((name, at) => names.indexOf(name) !== at);
  if (repeated !== undefined) throw wrong(`${repeated} stands in it twice`);
}

function wrong(problem: string): Error {
  return reject('NETWORK_PLAN_WRONG', { problem });
}

/** Founds a consortium: genesis with its validators, addresses, and keys of organisations that have none yet. */
export async function foundNetwork(plan: NetworkPlan, createdMs: number): Promise<FoundedNetwork> {
  const made = await Promise.all(plan.organisations.map(makeOrganisation));
  const genesis = newGenesis({
    name: plan.name,
    createdMs,
    founders: made.map(({ entry }) => entry),
    validators: made.map(({ entry, validator, power }) => ({ account: entry.account, ...validator, power })),
    ...(plan.blockBytes === undefined ? {} : { blockBytes: plan.blockBytes }),
  });
  requireSound(genesis);
  const chain = genesisHash(genesis);
  const network: NetworkFile = {
    format: NETWORK_FORMAT,
    chain,
    members: plan.organisations.map(({ slug, name, p2p, url }, at) => {
      const { entry, validator } = made[at] as (typeof made)[number];
      return { account: entry.account, slug, name, node: validator.node, p2p, ...(url === undefined ? {} : { url }) };
    }),
  };
  return {
    chain,
    genesis: canonicalBytes(genesis as unknown as Json),
    network: canonicalBytes(network),
    organisations: plan.organisations.map(({ slug, name, url }, at) => {
      const { keys, power } = made[at] as (typeof made)[number];
      return { slug, name, power, keys, ...(url === undefined ? {} : { url }) };
    }),
  };
}

/** Exact bytes of a new ledger's genesis document. Throws a contract's Reject where no node would start from it. */
export function genesisBytes(
  plan: Omit<GenesisPlan, 'founders'> & { readonly operatorKey: string; readonly founders: readonly JsonObject[] },
): Uint8Array {
  const genesis = newGenesis(plan as GenesisPlan);
  initialise(genesis);
  return canonicalBytes(genesis as unknown as Json);
}

/** Entries come from elsewhere: better refused here than by every node at its first start. */
function requireSound(genesis: Genesis): void {
  if (parseGenesis(genesis as unknown as Json) === undefined)
    throw wrong('two validators share an account, key or node');
  try {
    initialise(genesis);
  } catch (error) {
    throw isReject(error) ? wrong(error.message) : error;
  }
}

function initialise(genesis: Genesis): void {
  const document = genesis as Genesis & JsonObject;
  createKernel({ genesis: document, contracts: CONTRACTS, verifySignature: verifyTask }).initialise();
}

async function makeOrganisation(planned: Static<typeof PlannedOrganisation>) {
  const { slug, name, roles = [], power = 1, entry, validator } = planned;
  if (entry !== undefined && validator !== undefined) return { entry, validator, power, keys: undefined };
  const { organisation, secrets, entry: own } = await newOrganisationKeys({ slug, name, roles });
  const seeds = newValidatorSeeds();
  const keys = canonicalBytes({
    format: 'aceso.organisation-keys/1',
    organisation,
    secrets,
    entry: own as unknown as Json,
    validator: seeds,
  });
  return { entry: own, validator: validatorOf(seeds), power, keys };
}

/** Seeds of a new validator, hexadecimal. */
export function newValidatorSeeds(): { readonly voteSeed: string; readonly nodeSeed: string } {
  return { voteSeed: bytesToHex(randomBytes(32)), nodeSeed: bytesToHex(randomBytes(32)) };
}

/** What others know of a validator: the key that signs its votes, and its node's id. */
export function validatorOf({
  voteSeed,
  nodeSeed,
}: {
  readonly voteSeed: string;
  readonly nodeSeed: string;
}): ValidatorIdentity {
  return {
    publicKey: bytesToHex(ed25519PublicKey(hexToBytes(voteSeed) as Uint8Array)),
    node: nodeIdOf(hexToBytes(nodeSeed) as Uint8Array),
  };
}
