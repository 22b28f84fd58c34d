import { createHash } from 'node:crypto';
import { recordsContract } from '../../../../src/capabilities/records/contract/contract.ts';
import type { Message } from '../../../../src/chain/transaction.ts';
import { bytesToHex, utf8 } from '../../../../src/std/bytes.ts';
import { appendLog, consistencyProof, logRoot } from '../../../../src/state/log.ts';
import { logLeafHash } from '../../../../src/state/log-proof.ts';
import { createMemoryStore } from '../../../../src/state/memory-store.ts';
import type { TestChain } from '../../../support/test-chain.ts';
import { createMemberChain, memberOf } from '../../../support/test-members.ts';
import { type TestSigner, testAccount, testPasskey, testSigner } from '../../../support/test-signer.ts';
import type { Scenario } from './scenario.ts';

const ada = testSigner('ada');
const bob = testSigner('bob');
const cyd = testSigner('cyd');
const eve = testSigner('eve');
const nurse = testSigner('nurse');
const pat = testSigner('pat');
const phone = testSigner('pat', 'phone');
const passkey = testPasskey('pat');
const secondKey = testSigner('ada', 'second');

/** Anchor message of a journal of numbered leaves. */
function anchor(from: number, to: number, generation = 0): Message {
  const store = createMemoryStore();
  const hashes = Array.from({ length: to }, (_, at) =>
    logLeafHash(new Uint8Array(createHash('sha256').update(utf8(`leaf ${generation} ${at}`)).digest())),
  );
  store.apply(appendLog(store, 'j/', 0, hashes).writes);
  const proof = from === 0 || from > to ? [] : consistencyProof(store, 'j/', from, to).map(bytesToHex);
  return { type: 'journal.anchor', generation, size: to, root: bytesToHex(logRoot(store, 'j/', to)), from, proof };
}

/** Proposes as ada; bob and cyd approve in blocks of their own. */
function decide(chain: TestChain, kind: 'membership.approve' | 'journal.approveRestart', message: Message): void {
  const { id } = chain.submit(message, { by: ada });
  for (const by of [bob, cyd]) chain.submit({ type: kind, proposal: id }, { by });
}

function people(chain: TestChain): void {
  const wire = (message: Message, by: TestSigner, ...approvers: TestSigner[]) =>
    chain.wire(message, { by, approvers });
  const patients = Array.from({ length: 40 }, (_, at) => testAccount(`patient ${at}`));
  const account = pat.account;
  chain.block([
    wire({ type: 'account.open', accounts: [...patients, account] }, ada),
    wire({ type: 'account.open', accounts: [account] }, bob),
    wire({ type: 'account.open', accounts: [testAccount('x')] }, cyd),
    wire(
      { type: 'practitioner.register', account: nurse.account, keys: [nurse.record], roleCodes: ['http://snomed.info/sct|224535009'] },
      bob,
    ),
    wire({ type: 'account.claim', account, keys: [pat.record] }, pat, bob),
    wire({ type: 'account.claim', account, keys: [pat.record] }, pat, ada),
    wire({ type: 'key.add', account, key: phone.record }, pat, phone),
    wire({ type: 'key.add', account, key: passkey.record }, pat, passkey),
    wire({ type: 'key.retire', account, key: pat.keyId }, phone),
    wire({ type: 'account.freeze', account }, phone),
    wire({ type: 'account.unfreeze', account, retire: [pat.keyId] }, passkey),
    wire({ type: 'account.close', account: patients[0] as string }, ada),
    wire({ type: 'practitioner.setRoles', account: nurse.account, roleCodes: [] }, bob),
    wire({ type: 'practitioner.deactivate', account: nurse.account }, bob),
    wire({ type: 'key.add', account: ada.account, key: secondKey.record }, ada, secondKey),
    wire({ type: 'key.retire', account: ada.account, key: secondKey.keyId }, ada),
    wire({ type: 'key.retire', account: ada.account, key: ada.keyId }, ada),
    wire({ type: 'membership.setSealing', sealing: { suite: 'test', publicKey: 'B'.repeat(44) } }, bob),
  ]);
}

function journals(chain: TestChain): void {
  for (const [from, to] of [[0, 3], [3, 9], [9, 9], [9, 5], [9, 200]] as const) chain.submit(anchor(from, to), { by: bob });
  chain.submit({ ...anchor(200, 210), proof: [] }, { by: bob });
  chain.submit({ type: 'records.erase', generation: 0, indices: [0, 7, 199] }, { by: bob });
  chain.submit({ type: 'records.erase', generation: 0, indices: [200] }, { by: bob });
  decide(chain, 'journal.approveRestart', { type: 'journal.restart', custodian: bob.account, generation: 0, keptSize: 150 });
  chain.submit(anchor(200, 210), { by: bob });
  chain.submit(anchor(0, 4, 1), { by: bob });
}

/** Members, votes, people, keys and journals. */
export const scenario: Scenario = {
  about: 'Rules of membership and records, version 1.',
  contracts: ['membership', 'records'],
  run() {
    const chain = createMemberChain({ ada: ['provider'], bob: ['provider'], cyd: ['research'] }, [recordsContract]);
    people(chain);
    chain.advance(1_000);
    journals(chain);
    chain.advance(60_000);
    decide(chain, 'membership.approve', { type: 'membership.admit', ...memberOf('eve', ['payer']) });
    chain.submit({ type: 'membership.approve', proposal: 'f'.repeat(64) }, { by: eve });
    decide(chain, 'membership.approve', { type: 'membership.setRoles', account: eve.account, roles: ['payer', 'pharmacy'] });
    decide(chain, 'membership.approve', { type: 'rules.activate', capability: 'records', version: 2, fromHeight: 1_000_000 });
    decide(chain, 'membership.approve', { type: 'membership.remove', account: bob.account, successor: ada.account });
    const { id } = chain.submit({ type: 'membership.remove', account: cyd.account, successor: ada.account }, { by: ada });
    chain.submit({ type: 'membership.withdraw', proposal: id }, { by: ada });
    return chain;
  },
};
