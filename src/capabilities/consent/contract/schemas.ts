import { Type } from 'typebox';
import { AccountId, strict, TransactionId } from '../../membership/contract/schemas.ts';
import { MAX_EXCEPTIONS, MAX_LIST, TAGS_PER_LIST } from './policy.ts';
import { LIMITS } from './state.ts';

/** A padded list of tags; `policyFault` looks at order and repetition. */
export const TagList = Type.Array(Type.String({ pattern: '^[0-9a-f]{32}$' }), {
  minItems: TAGS_PER_LIST,
  maxItems: TAGS_PER_LIST,
});

const TimeMs = Type.Integer();
const Sense = Type.Union([Type.Literal('permit'), Type.Literal('deny')]);
const Purpose = Type.String({ pattern: '^[A-Z]{1,16}$' });

export const ProvisionSchema = Type.Object(
  {
    purposes: Type.Optional(Type.Array(Purpose, { minItems: 1, maxItems: MAX_LIST })),
    purposeTags: Type.Optional(TagList),
    members: Type.Optional(Type.Array(AccountId, { minItems: 1, maxItems: MAX_LIST })),
    actorTags: Type.Optional(TagList),
    categoryTags: Type.Optional(TagList),
    labelTags: Type.Optional(TagList),
    dataTags: Type.Optional(TagList),
    periodFromMs: Type.Optional(TimeMs),
    periodToMs: Type.Optional(TimeMs),
    dataFromMs: Type.Optional(TimeMs),
    dataToMs: Type.Optional(TimeMs),
  },
  strict,
);

export const GrantSchema = Type.Object(
  {
    account: AccountId,
    scope: Type.String({ maxLength: 64 }),
    sense: Sense,
    root: ProvisionSchema,
    exceptions: Type.Array(ProvisionSchema, { maxItems: MAX_EXCEPTIONS }),
    document: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    inexpressible: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z_]{0,63}$' })),
  },
  strict,
);

export const RevokeSchema = Type.Object({ account: AccountId, policy: TransactionId }, strict);

export const DelegationGrantSchema = Type.Object(
  {
    account: AccountId,
    delegate: AccountId,
    role: Type.Union([Type.Literal('guardian'), Type.Literal('proxy')]),
    powers: Type.Array(Type.Union([Type.Literal('consent'), Type.Literal('access')]), {
      minItems: 1,
      maxItems: 2,
      uniqueItems: true,
    }),
    fromMs: Type.Optional(TimeMs),
    endsAtMs: TimeMs,
  },
  strict,
);

export const DelegationRevokeSchema = Type.Object({ account: AccountId, delegate: AccountId }, strict);

/** The consent section of a genesis document: the defaults of the jurisdiction; `BUILT_IN_DEFAULTS` without it. */
export const GenesisSectionSchema = Type.Object(
  {
    defaults: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: '^[a-z][a-z-]{0,31}$' }),
            sense: Sense,
            purposes: Type.Array(Purpose, { minItems: 1, maxItems: MAX_LIST }),
            actor: Type.Union([Type.Literal('custodian'), Type.Literal('anybody')]),
          },
          strict,
        ),
        { maxItems: LIMITS.defaults },
      ),
    ),
  },
  strict,
);
