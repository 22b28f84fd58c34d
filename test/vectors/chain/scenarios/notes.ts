import type { Message } from '../../../../src/chain/transaction.ts';
import {
  careful,
  carefulPlain,
  clinician,
  closed,
  createNotesChain,
  frozen,
  hospital,
  patient,
  sensor,
} from '../../../support/notes-chain.ts';
import { type TestSigner, testSigner } from '../../../support/test-signer.ts';
import type { Scenario } from './scenario.ts';

const put = (name: string, text: string): Message => ({ type: 'note.put', name, text });

/** The kernel's own rules: every code that an outcome can have but the host's, replay, budgets, activation of rules. */
export const scenario: Scenario = {
  about: 'Kernel rules, version 1, over the contract of the kernel’s own tests.',
  contracts: ['notes'],
  run() {
    const limits = { workPerMinute: 2_000_000, urgentPerAccount: 2, bytesPerMinute: 200_000 };
    const chain = createNotesChain({ limits, onInternalError: () => undefined });
    const wire = (message: Message, by: TestSigner, ...approvers: TestSigner[]) => chain.wire(message, { by, approvers });
    const newKey = testSigner('unclaimed', 'new');
    const claim: Message = { type: 'note.claim', account: newKey.account, keys: [newKey.record] };
    const first = wire(put('a', 'first'), patient);
    chain.block([first, wire(put('b', 'second'), hospital, clinician), wire(put('a', 'third'), patient), first]);
    chain.advance(1_000);
    chain.block([]);
    chain.block([
      Uint8Array.of(1, 2, 3),
      chain.wire(put('a', 'late'), { by: patient, validityMs: -1 }),
      chain.wire(put('a', 'early'), { by: patient, validityMs: 600_001 }),
      wire(put('a', 'x'), testSigner('stranger')),
      wire(put('a', 'x'), testSigner('patient', 'other')),
      wire(put('a', 'x'), { ...patient, sign: hospital.sign }),
      wire(put('a', 'x'), closed),
      wire(put('a', 'x'), frozen),
      wire({ type: 'note.thaw' }, frozen),
      wire({ type: 'no.such' }, sensor),
      wire({ type: 'note.put' }, sensor),
      wire({ type: 'note.sensitive' }, carefulPlain),
      wire({ type: 'note.sensitive' }, careful),
      wire({ type: 'note.fail', how: 'reject' }, hospital),
      wire({ type: 'note.fail', how: 'type' }, hospital),
      wire(claim, newKey, hospital),
      wire(put('c', 'claimed'), newKey),
      wire({ type: 'note.drop', name: 'b' }, hospital),
    ]);
    chain.advance(70_000);
    chain.block([
      wire({ type: 'note.burn', units: 490_000 }, patient),
      wire({ type: 'note.burn', units: 490_000 }, patient),
      wire({ type: 'note.burn', units: 1_400_000 }, hospital),
      wire({ type: 'note.burn', units: 90_000 }, clinician),
      wire({ type: 'note.revoke' }, patient),
      wire({ type: 'note.revoke' }, patient),
      wire({ type: 'note.revoke' }, patient),
    ]);
    const list = [
      { version: 1, fromHeight: 0 },
      { version: 2, fromHeight: 7 },
    ];
    chain.advance(60_000);
    chain.block([wire({ type: 'note.activate', capability: 'notes', list }, hospital)]);
    for (const height of [6, 7]) chain.block([wire({ type: 'note.added' }, patient), wire(put(`h${height}`, 'x'), sensor)]);
    chain.block([], [{ kind: 'duplicate-vote', validator: 'ab'.repeat(20), height: 3, timeMs: 5 }]);
    // Enough leaves to fill a tile of the log.
    const crowd = Array.from({ length: 230 }, (_, at) => wire(put(`n${at}`, 'x'.repeat(at % 10)), at % 2 === 0 ? hospital : sensor));
    chain.block(crowd);
    return chain;
  },
};
