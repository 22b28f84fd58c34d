import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHospitalNode } from '../../../../test/support/hospital-node.ts';
import { issueToken } from '../../../auth/tokens.ts';
import { isReject } from '../../../std/reject.ts';
import { newOrganisationKeys } from '../../../wallet/node/organisation-keys.ts';
import type { ProposalList } from '../api.ts';

async function nodeWithAdministrators(t: Parameters<typeof createHospitalNode>[0]) {
  const node = await createHospitalNode(t);
  const { clinic, tokens } = node;
  const record = { account: clinic.account, kind: 'system', organisation: clinic.account, roles: [] } as const;
  const expiresAtMs = Date.now() + 60_000;
  const clinicToken = await issueToken(clinic.vault, { ...record, purposes: ['HOPERAT'], label: 'a', expiresAtMs });
  const send = (token: string | undefined, message: unknown) =>
    node.call('POST', '/api/members/messages', token, { message });
  const listed = async (token: string) =>
    ((await node.call('GET', '/api/members/proposals', token)) as unknown as ProposalList).proposals;
  return { ...node, send, listed, administrator: tokens.administrator, clinicToken };
}

test('a member is admitted by two votes, each signed for its own organisation', async (t) => {
  const { ledger, hospital, send, listed, administrator, clinicToken } = await nodeWithAdministrators(t);
  const { entry } = await newOrganisationKeys({ slug: 'north', name: 'North', roles: ['payer'] });
  const first = await send(administrator, { type: 'membership.admit', ...entry });
  const { proposal } = first.data as { proposal: string };
  assert.deepEqual(first, { transaction: proposal, data: { proposal, votes: 1, needed: 2, executed: false } });
  const [open] = await listed(clinicToken);
  assert.deepEqual([open?.id, open?.kind, open?.proposer], [proposal, 'membership.admit', hospital.account]);
  assert.deepEqual([open?.votes, open?.needed, open?.approved], [1, 2, false]);
  assert.equal((await listed(administrator))[0]?.approved, true);
  const second = await send(clinicToken, { type: 'membership.approve', proposal });
  assert.equal((second.data as { executed: boolean }).executed, true);
  assert.deepEqual(await listed(administrator), []);
  const members = ledger.query('membership.members', {}) as readonly { account: string }[];
  assert.ok(members.some(({ account }) => account === entry.account));
});

test('only an administrator votes, only votes are signed, and the ledger’s refusal is the answer', async (t) => {
  const { ledger, hospital, send, tokens, call, administrator } = await nodeWithAdministrators(t);
  const drop = { type: 'membership.dropValidator', account: hospital.account };
  const before = ledger.head().height;
  const rows: readonly (readonly [token: string | undefined, message: unknown, code: string])[] = [
    [undefined, drop, 'TOKEN_MISSING'],
    [tokens.physician, drop, 'ADMINISTRATOR_NEEDED'],
    [administrator, { type: 'journal.anchor' }, 'MEMBER_MESSAGE_INVALID'],
    [administrator, { type: 'account.open', accounts: [] }, 'MEMBER_MESSAGE_INVALID'],
    [administrator, { type: '__proto__' }, 'MEMBER_MESSAGE_INVALID'],
    [administrator, 'membership.admit', 'MEMBER_MESSAGE_INVALID'],
    [administrator, { ...drop, power: 1.5 }, 'MEMBER_MESSAGE_INVALID'],
    [administrator, { ...drop, note: 'é' }, 'MEMBER_MESSAGE_INVALID'],
  ];
  for (const [token, message, code] of rows)
    await assert.rejects(send(token, message), (error) => isReject(error) && error.code === code, code);
  await assert.rejects(
    call('GET', '/api/members/proposals', tokens.physician),
    (error) => isReject(error) && error.code === 'ADMINISTRATOR_NEEDED',
  );
  assert.equal(ledger.head().height, before, 'nothing of it was signed');
  await assert.rejects(send(administrator, drop), (error) => isReject(error) && error.code === 'VALIDATORS_NONE');
  const restart = { type: 'journal.restart', custodian: hospital.account, generation: 9, keptSize: 0 };
  await assert.rejects(
    send(administrator, restart),
    (error) => isReject(error) && error.code === 'MEMBER_MESSAGE_REFUSED' && typeof error.data.code === 'string',
  );
});
