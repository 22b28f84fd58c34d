import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  careful,
  cast,
  clinician,
  createNotesChain,
  hospital,
  patient,
  sensor,
} from '../../test/support/notes-chain.ts';
import type { TestSigner } from '../../test/support/test-signer.ts';
import { testAccount, testSigner } from '../../test/support/test-signer.ts';
import { isReject } from '../std/reject.ts';
import type { AccountRecord } from './account.ts';
import { budgets } from './budget.ts';
import { addUse, HEAVY_ACCOUNTS, type HeavyAccounts, heavyUse } from './heavy-accounts.ts';
import { WORK } from './limits.ts';

const burn = (units: number) => ({ type: 'note.burn', units });
const revoke = { type: 'note.revoke' };
const limits = { workPerMinute: 1_000_000, workPerTransaction: 900_000 };

function codeOf(
  chain: ReturnType<typeof createNotesChain>,
  message: Parameters<typeof chain.wire>[0],
  by: TestSigner,
): string {
  const wire = chain.wire(message, { by });
  let early = 'OK';
  try {
    chain.kernel.check(chain.store, wire, chain.timeMs);
  } catch (error) {
    early = isReject(error) ? error.code : String(error);
  }
  const code = chain.block([wire]).outcomes[0]?.code as string;
  // What a check refuses, the block refuses too.
  if (early !== 'OK') assert.equal(code, early);
  return code;
}

test('a patient or a device may cause a quarter of its member’s work, the member and its staff all of it', () => {
  for (const by of [patient, sensor]) {
    const chain = createNotesChain({ limits });
    assert.equal(codeOf(chain, burn(240_000), by), 'OK');
    assert.equal(codeOf(chain, burn(20_000), by), 'BUDGET_EXCEEDED');
    assert.equal(codeOf(chain, burn(20_000), by), 'BUDGET_EXCEEDED', 'what was attempted counts');
    assert.equal(codeOf(chain, burn(240_000), careful), 'OK', 'another account has its own share');
    assert.equal(codeOf(chain, burn(300_000), clinician), 'OK');
    assert.equal(codeOf(chain, burn(300_000), hospital), 'BUDGET_EXCEEDED', 'all together have one budget');
  }
});

test('a message that is stopped is charged up to where it was stopped, and no more', () => {
  const chain = createNotesChain({ limits });
  assert.equal(codeOf(chain, burn(2 ** 50), hospital), 'WORK_EXCEEDED');
  assert.equal(chain.state.get(budgets, hospital.account)?.work, limits.workPerTransaction);
});

test('the budget is that of a minute of block time', () => {
  const chain = createNotesChain({ limits });
  assert.equal(codeOf(chain, burn(800_000), hospital), 'OK');
  assert.equal(codeOf(chain, burn(800_000), hospital), 'BUDGET_EXCEEDED');
  chain.advance(60_000);
  assert.equal(codeOf(chain, burn(800_000), hospital), 'OK');
});

test('bytes have a budget of their own', () => {
  const chain = createNotesChain({ limits: { bytesPerMinute: 50_000 } });
  const put = { type: 'note.put', name: 'a', text: 'x'.repeat(30_000) };
  assert.equal(codeOf(chain, put, hospital), 'OK');
  assert.equal(codeOf(chain, put, hospital), 'BUDGET_EXCEEDED');
  assert.equal(codeOf(chain, { ...put, text: 'x' }, hospital), 'OK');
});

test('every kind of outcome is charged once its signatures were found right, and none before', () => {
  const used = (message: Parameters<ReturnType<typeof createNotesChain>['wire']>[0], by: TestSigner) => {
    const chain = createNotesChain();
    chain.submit(message, { by });
    return chain.state.get(budgets, hospital.account)?.work ?? 0;
  };
  assert.equal(used(burn(0), testSigner('patient', 'other')), 0);
  assert.equal(used(burn(0), { ...patient, sign: hospital.sign }), 0);
  const base = used({ type: 'no.such' }, patient);
  assert.ok(base > WORK.transaction + WORK.signature);
  assert.ok(used({ type: 'note.fail', how: 'reject' }, patient) >= base + WORK.set);
  assert.equal(used(burn(10_000), patient) - used(burn(0), patient), 10_000 + 4 * WORK.wireByte);
});

test('revocations pass when the budget is used up, up to a cap per account', () => {
  const chain = createNotesChain({ limits: { ...limits, urgentPerAccount: 3 } });
  for (const units of [800_000, 190_000, 8_000]) codeOf(chain, burn(units), hospital);
  assert.equal(codeOf(chain, burn(0), hospital), 'BUDGET_EXCEEDED');
  const first = [1, 2, 3, 4].map(() => codeOf(chain, revoke, patient));
  assert.deepEqual(first, ['OK', 'OK', 'OK', 'BUDGET_EXCEEDED']);
  assert.equal(codeOf(chain, revoke, careful), 'OK', 'another account has its own cap');
  assert.equal(chain.state.get(budgets, hospital.account)?.urgent, 4);
});

test('the urgent lane takes no large message, and past its cap falls back to the budget', () => {
  const chain = createNotesChain({ limits: { urgentPerAccount: 1, urgentBytes: 1_000 } });
  assert.equal(codeOf(chain, { ...revoke, text: 'x'.repeat(2_000) }, patient), 'OK');
  assert.equal(chain.state.get(budgets, hospital.account)?.urgent, 0);
  assert.equal(codeOf(chain, revoke, patient), 'OK');
  assert.equal(codeOf(chain, revoke, patient), 'OK');
  assert.equal(chain.state.get(budgets, hospital.account)?.urgent, 1);
});

test('the urgent lane of one member is bounded too', () => {
  const chain = createNotesChain({ limits: { ...limits, urgentPerMinute: 2 } });
  for (const units of [800_000, 190_000, 8_000]) codeOf(chain, burn(units), hospital);
  const codes = [patient, careful, sensor].map((by) => codeOf(chain, revoke, by));
  assert.deepEqual(codes, ['OK', 'OK', 'BUDGET_EXCEEDED']);
});

test('the successor of a removed member is charged', () => {
  const successor = testSigner('successor');
  const accounts: Record<string, AccountRecord> = {
    ...cast,
    [hospital.account]: { kind: 'member', status: 'closed', sponsor: successor.account, keys: [hospital.record] },
    [successor.account]: { kind: 'member', status: 'active', sponsor: successor.account, keys: [successor.record] },
  };
  const chain = createNotesChain({ accounts });
  assert.equal(chain.submit(burn(0), { by: patient, approvers: [successor] }).code, 'OK');
  assert.equal(chain.state.get(budgets, hospital.account), undefined);
  assert.ok((chain.state.get(budgets, successor.account)?.work ?? 0) > 0);
});

test('a block writes one budget per member, whatever the number of its transactions', () => {
  const chain = createNotesChain();
  const { writes } = chain.block(
    Array.from({ length: 50 }, (_, at) => chain.wire(burn(at), { by: at % 2 === 0 ? patient : careful })),
  );
  assert.equal([...writes.keys()].filter((key) => key.startsWith('s/chain.budgets/')).length, 1);
});

test('heavy accounts: never too high, too low by 1/33 of the total at most, 32 entries in byte order', () => {
  const blocks = fc.array(
    fc.array(fc.tuple(fc.nat(80), fc.integer({ min: 1, max: 10_000 })), { minLength: 1, maxLength: 60 }),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(blocks, (given) => {
      let summary: HeavyAccounts = [];
      const exact = new Map<string, number>();
      let total = 0;
      for (const block of given) {
        const use = new Map<string, number>();
        for (const [who, work] of block) {
          const account = testAccountOf(who);
          use.set(account, (use.get(account) ?? 0) + work);
          exact.set(account, (exact.get(account) ?? 0) + work);
          total += work;
        }
        summary = addUse(summary, use);
      }
      assert.ok(summary.length <= HEAVY_ACCOUNTS);
      assert.deepEqual(
        summary.map(([name]) => name),
        summary.map(([name]) => name).sort(),
      );
      for (const [account, used] of exact) {
        const known = heavyUse(summary, account);
        assert.ok(known <= used && used - known <= total / (HEAVY_ACCOUNTS + 1), `${known} of ${used} in ${total}`);
      }
    }),
    { numRuns: 500 },
  );
});

test('heavy accounts: one that stays below the list’s least is not forgotten again and again', () => {
  const use = (accounts: readonly number[], work: number) =>
    new Map(accounts.map((at) => [testAccountOf(at), work] as const));
  const residents = Array.from({ length: HEAVY_ACCOUNTS }, (_, at) => at);
  let summary = addUse([], use(residents, 10));
  for (let block = 0; block < 20; block++) summary = addUse(summary, use([40], 9));
  const total = 10 * HEAVY_ACCOUNTS + 180;
  assert.ok(180 - heavyUse(summary, testAccountOf(40)) <= total / (HEAVY_ACCOUNTS + 1));
});

const testAccounts = Array.from({ length: 81 }, (_, at) => testAccount(`account ${at}`));
const testAccountOf = (at: number): string => testAccounts[at] as string;

test('fairness: whatever a crowd of greedy patients does, one who keeps to a quarter is served while the member has budget', () => {
  const crowd = Array.from({ length: 40 }, (_, at) => testSigner(`greedy ${at}`));
  const accounts = {
    ...cast,
    ...Object.fromEntries(
      crowd.map(({ account, record }) => [
        account,
        { kind: 'patient' as const, status: 'active' as const, sponsor: hospital.account, keys: [record] },
      ]),
    ),
  };
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.tuple(fc.nat(39), fc.nat(40_000)), { maxLength: 12 }), { minLength: 1, maxLength: 6 }),
      (given) => {
        const chain = createNotesChain({ limits: { workPerMinute: 1_000_000 }, accounts });
        const spent = new Map<string, number>();
        for (const block of given) {
          const wires = block.map(([who, units]) => chain.wire(burn(units), { by: crowd[who] as TestSigner }));
          const { outcomes } = chain.block(wires);
          for (const [at, { code }] of outcomes.entries()) {
            const [who, units] = block[at] as [number, number];
            const account = (crowd[who] as TestSigner).account;
            if (code === 'OK') spent.set(account, (spent.get(account) ?? 0) + units);
          }
        }
        const record = chain.state.get(budgets, hospital.account);
        assert.ok((record?.work ?? 0) <= 1_000_000);
        for (const units of spent.values()) assert.ok(units <= 250_000 + 1_000_000 / (HEAVY_ACCOUNTS + 1));
        const left = 1_000_000 - (record?.work ?? 0);
        if (left > 10_000) assert.equal(codeOf(chain, burn(5_000), patient), 'OK');
        assert.equal(codeOf(chain, revoke, patient), 'OK');
      },
    ),
    { numRuns: 25 },
  );
});
