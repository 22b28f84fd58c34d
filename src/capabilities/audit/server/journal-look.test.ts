import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHospitalNode } from '../../../../test/support/hospital-node.ts';
import type { Caller } from '../../../auth/caller.ts';
import type { AuditLook } from '../../../server/journal-look.ts';
import { createJournalLook } from './journal-look.ts';

const OFFICER: Caller = {
  ...{ custodian: 'c', account: 'f'.repeat(32), kind: 'practitioner', organisation: 'a'.repeat(32) },
  ...{ roles: [], purpose: 'HOPERAT' },
};
const LOOK: AuditLook = {
  ...{ account: 'b'.repeat(32), rule: 'default:privacy-oversight', question: '[["date","ge2026"]]' },
  asked: { interaction: 'search-type', request: 'r1', query: 'AuditEvent?date' },
};

test('only the same question of the same caller and app is the same look, for a minute', async (t) => {
  const { hospital, clock } = await createHospitalNode(t);
  const look = createJournalLook();
  const added = async (caller: Partial<Caller>, more: Partial<AuditLook>): Promise<number> => {
    const { size } = hospital.vault.journalHead();
    await look(hospital, { ...OFFICER, ...caller }, { ...LOOK, ...more });
    return hospital.vault.journalHead().size - size;
  };
  assert.equal(await added({}, {}), 1);
  assert.equal(await added({}, { asked: { ...LOOK.asked, request: 'r2' } }), 0);
  const others: readonly (readonly [Partial<Caller>, Partial<AuditLook>])[] = [
    [{ client: 'app-1' }, {}],
    [{ client: 'app-2' }, {}],
    [{ account: 'e'.repeat(32) }, {}],
    [{ organisation: 'd'.repeat(32) }, {}],
    [{ purpose: 'TREAT' }, {}],
    [{}, { account: 'd'.repeat(32) }],
    [{}, { rule: 'default:own-access' }],
    [{}, { question: '[["date","ge2020"]]' }],
    [{}, { asked: { ...LOOK.asked, query: 'AuditEvent/0-1' } }],
    [{}, { asked: { ...LOOK.asked, interaction: 'read' } }],
  ];
  for (const [at, [caller, more]] of others.entries()) assert.equal(await added(caller, more), 1, `${at}`);
  for (const [at, [caller, more]] of others.entries()) assert.equal(await added(caller, more), 0, `${at} again`);
  clock.offsetMs += 61_000;
  assert.equal(await added({}, {}), 1);
  const { rows } = await hospital.vault.journalEntries(LOOK.account, 1);
  const [entry] = rows;
  assert.ok(entry?.kind === 'interaction' && 'client' in entry.header);
  assert.ok(!JSON.stringify(entry.header).includes('ge2026'), 'values are not journalled');
});
