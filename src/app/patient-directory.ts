import type { Caller } from '../auth/caller.ts';
import type { PatientChoice } from '../auth/smart/pages.ts';
import { callerOfPerson, type PatientDirectory } from '../auth/smart/ports.ts';
import { ACCOUNT_SYSTEM } from '../capabilities/membership/contract/account-systems.ts';
import type { FhirContext, FhirServer } from '../fhir/context.ts';
import { read } from '../fhir/read.ts';
import { answerSearch } from '../fhir/search/answer-search.ts';
import { utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { Vault } from '../vault/vault.ts';

/** Patients offered for choosing. */
const MOST_CHOICES = 20;

interface Patient {
  readonly id?: string;
  readonly birthDate?: string;
  readonly name?: readonly { readonly text?: string; readonly family?: string; readonly given?: readonly string[] }[];
}

/** The patients whom a person may choose for an app: found, decided on and journalled as the FHIR service does it. */
export function createPatientDirectory(options: {
  server: () => FhirServer;
  vaultOf: (custodian: string) => Vault;
}): PatientDirectory {
  const { server, vaultOf } = options;
  const contextOf = (caller: Caller, interaction: string): FhirContext => ({
    ...server(),
    vault: vaultOf(caller.custodian),
    caller,
    asked: { interaction, request: '', query: 'Patient' },
  });
  async function ofAccount(custodian: string, account: string): Promise<PatientChoice | undefined> {
    const vault = vaultOf(custodian);
    const criteria = [{ kind: 'account' as const, accounts: [account] }];
    const { hits } = await vault.find({ type: 'Patient', criteria, sort: [], limit: 1 });
    const row = hits[0]?.row;
    return row === undefined ? undefined : choiceOf(JSON.parse(utf8ToText(await vault.open(row))) as Patient);
  }

  return {
    ofAccount,
    async search(caller, name) {
      const query = new URLSearchParams({ name, _count: String(MOST_CHOICES) });
      const found = await answerSearch(
        contextOf(caller, 'search-type'),
        { type: 'Patient', path: 'Patient' },
        query,
        false,
      );
      const { entry = [] } = JSON.parse(found.body ?? '{}') as { entry?: { resource: Patient }[] };
      return entry.map(({ resource }) => choiceOf(resource));
    },
    async userOf(person) {
      const { custodian, account, kind } = person;
      if (kind === 'patient') {
        const own = await ofAccount(custodian, account);
        return own === undefined ? undefined : `Patient/${own.id}`;
      }
      const query = new URLSearchParams({ identifier: `${ACCOUNT_SYSTEM}|${account}`, _count: '2' });
      const scope = { type: 'Practitioner', path: 'Practitioner' };
      const context = contextOf(callerOfPerson(person), 'search-type');
      const found = await answerSearch({ ...context, vault: vaultOf(custodian) }, scope, query, false);
      const { entry: [first, another] = [] } = JSON.parse(found.body ?? '{}') as {
        entry?: { resource: { id: string } }[];
      };
      // Of two who say that they are that account, neither is believed.
      return first === undefined || another !== undefined ? undefined : `Practitioner/${first.resource.id}`;
    },
    async find(caller, id) {
      const context = contextOf(caller, 'read');
      try {
        const found = await read(context, 'Patient', id, {
          ...{ method: 'GET', path: `Patient/${id}`, query: new URLSearchParams(), prefer: { lenient: false } },
        });
        const account = await context.vault.accountOf('Patient', id);
        if (found.body === undefined || account === undefined) return undefined;
        return { ...choiceOf(JSON.parse(found.body) as Patient), account };
      } catch (error) {
        if (isReject(error)) return undefined;
        throw error;
      }
    },
  };
}

function choiceOf({ id = '', name: [name] = [], birthDate }: Patient): PatientChoice {
  const called = name?.text ?? [...(name?.given ?? []), name?.family ?? ''].join(' ').trim();
  return {
    id,
    label: [called === '' ? `Patient ${id}` : called, birthDate].filter((part) => part !== undefined).join(', '),
  };
}
