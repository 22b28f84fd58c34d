import { Type } from 'typebox';
import { type AccountRecord, accounts, type KeyRecord } from '../../src/chain/account.ts';
import type { BlockHeader, Misbehaviour } from '../../src/chain/block.ts';
import { type Contract, messageRule } from '../../src/chain/contract.ts';
import { type RuleActivation, rules } from '../../src/chain/rules.ts';
import { type StateMap, type StateWriter, stateMap } from '../../src/state/typed-map.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { type CodeCatalogue, rejecter } from '../../src/std/reject.ts';

const CODES = {
  NOTE_REFUSED: { kind: 'denied', sentence: 'The note was refused, as the test asked.' },
} as const satisfies CodeCatalogue;
const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;
const Text = Type.String({ maxLength: 40_000 });

/** Notes by sender and name. */
export const notes: StateMap<readonly [account: string, name: string], string> = stateMap('notes.texts', 2);
/** Reports of misbehaviour, by validator. */
export const reports: StateMap<readonly [validator: string], number> = stateMap('notes.reports', 1);

const put = messageRule({
  schema: Type.Object({ name: Type.String({ pattern: '^[a-z0-9]{1,32}$' }), text: Text }, strict),
  lane: 'ordinary',
  handle({ state, message, transaction }) {
    const key = [transaction.sender.account, message.name] as const;
    const previous = state.get(notes, ...key);
    state.set(notes, key, message.text);
    return previous === undefined ? {} : { previous: previous.length };
  },
});

const drop = messageRule({
  schema: Type.Object({ name: Type.String({ pattern: '^[a-z0-9]{1,32}$' }) }, strict),
  lane: 'ordinary',
  handle({ state, message, transaction }) {
    state.delete(notes, [transaction.sender.account, message.name]);
    return {};
  },
});

const FAULTS: Readonly<Record<string, () => unknown>> = {
  reject: () => {
    throw reject('NOTE_REFUSED', { why: 'asked' });
  },
  'reject-null': () => {
    throw reject('NOTE_REFUSED', { why: null } as unknown as JsonObject);
  },
  type: () => {
    throw new TypeError('a secret that enters no outcome');
  },
  text: () => {
    throw 'no error at all';
  },
  range: () => {
    throw new RangeError('out of something');
  },
  data: () => ({ half: 0.5 }),
  none: () => undefined,
  large: () => ({ text: 'x'.repeat(17 * 1024) }),
  date: () => ({ now: Date.now() }),
  random: () => {
    try {
      return { dice: Math.floor(Math.random() * 6) };
    } catch {
      return {};
    }
  },
};

/** Writes, then ends in one of the ways of `FAULTS`: the write must be gone. */
const fail = messageRule({
  schema: Type.Object({ how: Type.Union(Object.keys(FAULTS).map((how) => Type.Literal(how))) }, strict),
  lane: 'ordinary',
  handle({ state, message, transaction }) {
    state.set(notes, [transaction.sender.account, 'half'], 'written');
    return (FAULTS[message.how] as () => JsonObject)();
  },
});

const burn = messageRule({
  schema: Type.Object({ units: Type.Integer({ minimum: 0 }) }, strict),
  lane: 'ordinary',
  handle({ state, message, transaction, work }) {
    state.set(notes, [transaction.sender.account, 'burnt'], 'written');
    work(message.units);
    return {};
  },
});

const revoke = messageRule({
  schema: Type.Object({ text: Type.Optional(Text) }, strict),
  lane: 'urgent',
  handle({ state, transaction }) {
    state.set(notes, [transaction.sender.account, 'revoked'], 'yes');
    return {};
  },
});

const sensitive = messageRule({
  schema: Type.Object({}, strict),
  lane: 'ordinary',
  sensitive: true,
  handle: () => ({}),
});
const thaw = messageRule({ schema: Type.Object({}, strict), lane: 'ordinary', whileFrozen: true, handle: () => ({}) });
const added = messageRule({ schema: Type.Object({}, strict), lane: 'ordinary', handle: () => ({ version: 2 }) });

const claim = messageRule({
  schema: Type.Object({ account: Type.String(), keys: Type.Array(Type.Unsafe<KeyRecord>(Type.Object({}))) }, strict),
  lane: 'ordinary',
  introduces: ({ account, keys }) => ({ account, keys }),
  handle({ state, message }) {
    const record = state.get(accounts, message.account) as AccountRecord;
    state.set(accounts, [message.account], { ...record, status: 'active', keys: [...record.keys, ...message.keys] });
    return { claimed: message.account };
  },
});

/** A claim for an account that has keys already, and sensitive. */
const enrol = messageRule({ ...claim, sensitive: true });

const activate = messageRule({
  schema: Type.Object(
    { capability: Type.String(), list: Type.Array(Type.Unsafe<RuleActivation>(Type.Object({}))) },
    strict,
  ),
  lane: 'ordinary',
  handle({ state, message }) {
    state.set(rules, [message.capability], message.list);
    return {};
  },
});

const first = {
  'note.put': put,
  'note.drop': drop,
  'note.fail': fail,
  'note.burn': burn,
  'note.revoke': revoke,
  'note.sensitive': sensitive,
  'note.thaw': thaw,
  'note.claim': claim,
  'note.enrol': enrol,
  'note.activate': activate,
};

function misbehaviour(state: StateWriter, _block: BlockHeader, given: readonly Misbehaviour[]): void {
  for (const { validator, height } of given) state.set(reports, [validator], height);
  if (given.some(({ kind }) => kind === 'light-client-attack')) throw new TypeError('not expected');
}

/** A capability with one message for everything that the kernel does. Its section names accounts as they are to be. */
export const notesContract: Contract = {
  name: 'notes',
  codes: CODES,
  maps: [notes, reports],
  ruleSets: [
    { version: 1, messages: first, misbehaviour },
    { version: 2, messages: { ...first, 'note.added': added }, misbehaviour },
  ],
  genesis(state, section) {
    for (const [account, record] of Object.entries((section.accounts ?? {}) as Record<string, AccountRecord>)) {
      state.set(accounts, [account], record);
    }
  },
  queries: { 'notes.text': (state, { account, name }) => state.get(notes, account as string, name as string) ?? '' },
};
