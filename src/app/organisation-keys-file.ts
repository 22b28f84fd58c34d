import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Json } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import type { OrganisationKeys } from '../wallet/node/organisation-keys.ts';
import { CODES } from './codes.ts';
import { ValidatorSeeds } from './node-folder.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;
const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Slug = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' });
const Account = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** What `aceso keys organisation` writes: secret, for one node's first start, to be deleted or locked away after it. */
const KeysFile = Type.Object(
  {
    format: Type.Literal('aceso.organisation-keys/1'),
    organisation: Type.Object({ slug: Slug, name: Type.String({ maxLength: 120 }), account: Account }, strict),
    secrets: Type.Object({ slug: Slug, signingSeed: Hex32, sealingSeed: Hex32 }, strict),
    operatorSeed: Type.Optional(Hex32),
    validator: Type.Optional(ValidatorSeeds),
    entry: Type.Unsafe<OrganisationKeys['entry']>(Type.Object({ account: Account })),
  },
  strict,
);

export interface ParsedKeys {
  readonly keys: readonly OrganisationKeys[];
  readonly operatorSeed?: string;
  readonly validator?: Static<typeof ValidatorSeeds>;
}

/** The keys of a keys file. Throws Reject INPUT_FILE_UNREADABLE. */
export function parseOrganisationKeys(value: Json): ParsedKeys {
  if (!Value.Check(KeysFile, value)) throw reject('INPUT_FILE_UNREADABLE', { file: 'keys' });
  const { organisation, secrets, entry, operatorSeed, validator } = value;
  return {
    keys: [{ organisation, secrets, entry }],
    ...(operatorSeed === undefined ? {} : { operatorSeed }),
    ...(validator === undefined ? {} : { validator }),
  };
}
