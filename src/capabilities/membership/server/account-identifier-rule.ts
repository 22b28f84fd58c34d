import { isAdministrator } from '../../../auth/caller.ts';
import type { WriteRule } from '../../../fhir/ports.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import { rejecter } from '../../../std/reject.ts';
import { ACCOUNT_SYSTEM } from '../contract/account-systems.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Resources that say who somebody is. */
const TYPES = ['Practitioner', 'PractitionerRole', 'Patient', 'RelatedPerson'] as const;

/**
 * Which resource an account is, is the organisation's to say: apps are told by it who the user is (`fhirUser`), and so is
 * the audit. So only the custodian's administration adds, changes or takes away an identifier of that system; others
 * write the resource as long as those stay what they are. Throws Reject ACCOUNT_IDENTIFIER_RESERVED.
 */
export function accountIdentifierRules(): readonly WriteRule[] {
  return TYPES.map((type) => ({
    type,
    async judge({ vault, caller }, { action, id, isNew, text }) {
      if (isAdministrator(caller) || action === 'delete' || text === undefined) return undefined;
      const stored = isNew === true ? undefined : await vault.current(type, id);
      const before = stored === undefined || stored.deleted ? '' : accountsIn(utf8ToText(await vault.open(stored)));
      if (accountsIn(text) !== before) throw reject('ACCOUNT_IDENTIFIER_RESERVED');
      return undefined;
    },
  }));
}

/** The accounts that a resource's text names as its own, in one text. Form is judged elsewhere. */
function accountsIn(text: string): string {
  // A name may be written with escapes; without any it stands there as it is.
  if (!text.includes(ACCOUNT_SYSTEM) && !text.includes('\\u')) return '';
  const { identifier } = JSON.parse(text) as { identifier?: unknown };
  const values = (Array.isArray(identifier) ? identifier : [])
    .filter((one) => typeof one === 'object' && one !== null && one.system === ACCOUNT_SYSTEM)
    .map((one: { value?: unknown }) => String(one.value));
  return values.sort().join(' ');
}
