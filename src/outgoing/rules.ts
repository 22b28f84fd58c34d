import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalBytes, parseCanonical } from '../std/canonical-json.ts';
import { isReject, rejecter } from '../std/reject.ts';
import { parseRange } from './address-range.ts';
import { CODES } from './codes.ts';
import { isSpecialRange } from './special-addresses.ts';
import { parseTarget } from './target.ts';

const reject = rejecter(CODES);

const Rule = Type.Object(
  {
    /** As `Target.origin`; with `http:` the organisation accepts that whoever is on the way reads along. */
    origin: Type.String({ minLength: 8, maxLength: 300 }),
    /** Ranges of special-purpose addresses that the origin may have, e.g. `10.0.0.0/8`; without them none. */
    addresses: Type.Optional(
      Type.Array(Type.String({ minLength: 4, maxLength: 50 }), { minItems: 1, maxItems: 16, uniqueItems: true }),
    ),
  },
  { additionalProperties: false },
);

const Rules = Type.Object(
  {
    /** Counts the changes, so that nobody writes over what they have not seen; 0 before the first. */
    revision: Type.Integer({ minimum: 0, maximum: 2 ** 40 }),
    rules: Type.Array(Rule, { maxItems: 64 }),
  },
  { additionalProperties: false },
);

/** One origin that an organisation lets this node ask. */
export type OutgoingRule = Readonly<Static<typeof Rule>>;
/** All that an organisation allows; everything else is refused. */
export type OutgoingRules = { readonly revision: number; readonly rules: readonly OutgoingRule[] };

/** Where an organisation keeps its rules; its vault fills this. */
export interface RuleStore {
  getDocument(kind: string, id: string): Promise<Uint8Array | undefined>;
  putDocument(kind: string, id: string, bytes: Uint8Array | null): Promise<void>;
}

const KIND = 'outgoing';
const ID = 'rules';

/** Rules from outside. Throws Reject OUTGOING_RULES_MALFORMED, with the place of the rule where one is wrong. */
export function parseRules(value: unknown): OutgoingRules {
  if (!Value.Check(Rules, value)) throw reject('OUTGOING_RULES_MALFORMED');
  const { rules } = value;
  const wrong = rules.findIndex(({ origin, addresses = [] }, at) => {
    const isFirst = rules.findIndex((other) => other.origin === origin) === at;
    return !isFirst || !isOrigin(origin) || !addresses.every(isSpecial);
  });
  if (wrong >= 0) throw reject('OUTGOING_RULES_MALFORMED', { rule: wrong });
  return value;
}

function isOrigin(text: string): boolean {
  try {
    return parseTarget(text).origin === text;
  } catch (error) {
    if (isReject(error)) return false;
    throw error;
  }
}

function isSpecial(text: string): boolean {
  const range = parseRange(text);
  return range !== undefined && isSpecialRange(range);
}

/** Parsed once for each time that a store reads them: one that keeps what it read hands out the same bytes again. */
const parsed = new WeakMap<Uint8Array, OutgoingRules>();

/** What the organisation allows: nothing before it said anything. */
export async function readRules(store: RuleStore): Promise<OutgoingRules> {
  const bytes = await store.getDocument(KIND, ID);
  if (bytes === undefined) return { revision: 0, rules: [] };
  const rules = parsed.get(bytes) ?? parseRules(parseCanonical(bytes));
  parsed.set(bytes, rules);
  return rules;
}

/**
 * Puts `given` in the place of the rules whose revision it names, and returns them as they are then; they hold for every
 * request from now on. `mayAddRanges` is asked when an origin gets address ranges that it did not have. Calls for one
 * store must not overlap. Throws Reject OUTGOING_RULES_CHANGED, OUTGOING_RULES_OPERATOR_ONLY.
 */
export async function replaceRules(
  store: RuleStore,
  given: OutgoingRules,
  mayAddRanges: () => Promise<boolean>,
): Promise<OutgoingRules> {
  const stored = await readRules(store);
  if (stored.revision !== given.revision) throw reject('OUTGOING_RULES_CHANGED');
  const had = new Set(stored.rules.flatMap(namedRanges));
  if (!given.rules.flatMap(namedRanges).every((range) => had.has(range)) && !(await mayAddRanges()))
    throw reject('OUTGOING_RULES_OPERATOR_ONLY');
  const rules = given.rules.map(({ origin, addresses }) =>
    addresses === undefined ? { origin } : { origin, addresses },
  );
  const next = { revision: stored.revision + 1, rules };
  await store.putDocument(KIND, ID, canonicalBytes(next));
  return next;
}

function namedRanges({ origin, addresses = [] }: OutgoingRule): string[] {
  return addresses.map((range) => `${origin} ${range}`);
}
