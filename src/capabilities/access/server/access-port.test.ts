import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../../../auth/caller.ts';
import type { AskedWrite } from '../../../fhir/ports.ts';
import { createAccessPort } from './access-port.ts';
import type { PolicyCache } from './policy-cache.ts';

const [CUSTODIAN, ADA, BOB] = ['c', 'a', 'b'].map((digit) => digit.repeat(32)) as [string, string, string];

const ada: Caller = {
  ...{ custodian: CUSTODIAN, account: ADA, kind: 'patient', organisation: ADA, roles: [], purpose: 'PATRQT' },
};
const byApp = (type: string, permissions: string, of = ADA): Caller => ({
  ...ada,
  ...{
    client: 'app',
    grant: { scopes: [{ context: 'patient', type, permissions }], patient: { id: 'p', account: of } },
  },
});
const physician: Caller = { ...ada, kind: 'practitioner', organisation: CUSTODIAN, purpose: 'TREAT' };

const { write } = createAccessPort({
  ...{ organisations: [], policies: {} as PolicyCache, revokedLocally: async () => new Set(), clock: () => 0 },
  restriction: () => false,
});
const asked = (account: string | undefined, type = 'Subscription', permission: AskedWrite['permission'] = 'c') => ({
  ...{ account, type, permission },
});

test('a patient writes Subscriptions of her own account, and nothing else', () => {
  const decisions: readonly (readonly [Caller, AskedWrite, 'permit' | 'deny'])[] = [
    [ada, asked(ADA), 'permit'],
    [ada, asked(ADA, 'Subscription', 'u'), 'permit'],
    [ada, asked(ADA, 'Subscription', 'd'), 'permit'],
    [ada, asked(undefined), 'permit'],
    [ada, asked(BOB), 'deny'],
    [ada, asked(CUSTODIAN), 'deny'],
    [ada, asked(''), 'deny'],
    [ada, asked(ADA, 'Observation'), 'deny'],
    [ada, asked(undefined, 'Observation'), 'deny'],
    [{ ...ada, purpose: 'BTG' }, asked(ADA), 'deny'],
    [byApp('*', 'cruds'), asked(ADA), 'permit'],
    [byApp('Subscription', 'c'), asked(ADA), 'permit'],
    [byApp('Subscription', 'c'), asked(ADA, 'Subscription', 'u'), 'deny'],
    [byApp('Subscription', 'rs'), asked(ADA), 'deny'],
    [byApp('Observation', 'cruds'), asked(undefined), 'deny'],
    [byApp('*', 'cruds'), asked(BOB), 'deny'],
    // Launched for somebody else: hers is not what the app was allowed.
    [byApp('*', 'cruds', BOB), asked(ADA), 'deny'],
    [byApp('*', 'cruds', BOB), asked(BOB), 'deny'],
    [physician, asked(CUSTODIAN), 'permit'],
    [{ ...physician, organisation: BOB }, asked(CUSTODIAN), 'deny'],
  ];
  for (const [caller, question, decision] of decisions)
    assert.equal(write(caller, question).decision, decision, JSON.stringify([caller.grant?.scopes, question]));
});
