import type { Consent } from '@medplum/fhirtypes';
import type { ClaimSlip } from '../../capabilities/membership/api.ts';
import { bytesToBase64url } from '../../std/bytes.ts';
import { msToInstant } from '../../std/instant.ts';
import { isReject } from '../../std/reject.ts';
import { claimAccount } from '../../wallet/claim.ts';
import { grantConsent } from '../../wallet/consent.ts';
import { nodeKeys } from '../../wallet/node/node-keys.ts';
import { newWalletAccount, type WalletAccount } from '../../wallet/wallet.ts';
import type { Client } from '../client.ts';
import type { Cast, Heroine } from './cast.ts';
import { labelDenial, treatmentConsent } from './consents.ts';

/** A receipt that the story leaves: a name for its file, and where it is asked for. */
export interface Exhibit {
  readonly name: string;
  readonly path: string;
  readonly client: Client;
}

/** What a scene needs and leaves. */
export interface Stage {
  readonly cast: Cast;
  readonly heroine: Heroine;
  clock(): number;
  tell(line: string): void;
  exhibit(exhibit: Exhibit): void;
}

interface AccessRequestAnswer {
  readonly decision: string;
  readonly rules: readonly string[];
  readonly transaction: string;
  readonly resources: number;
}

interface Accounting {
  readonly entries: readonly {
    readonly generation: number;
    readonly index: number;
    readonly kind: string;
    readonly timeMs: number;
    readonly purpose: string;
    readonly decision: string;
    readonly versions: number;
  }[];
  readonly breakGlass: readonly { readonly statedReason?: string }[];
}

/** `3987…#0`: the first rule of a policy, short enough for a line. */
function shortRule(rule: string): string {
  return rule.replace(/^([0-9a-f]{8})[0-9a-f]{56}(?=#)/, '$1…');
}

/** Her own hospital treats her: permitted by the default for a custodian's staff, and journalled. */
export async function readChart({ cast, heroine, tell }: Stage): Promise<void> {
  const page = (await cast.physician.get(`/fhir/Condition?patient=${heroine.id}&_count=50`)) as {
    entry?: readonly unknown[];
  };
  tell(`A physician of St. Brigid reads her conditions: permitted, ${page.entry?.length ?? 0} resources.`);
}

/** She takes her account over: from now on no server can sign for her. */
export async function claim({ cast, heroine, clock, tell }: Stage): Promise<WalletAccount> {
  const slip = (await cast.physician.post(`/api/accounts/${heroine.id}/claim-code`, {})) as ClaimSlip;
  const { custodian, account, patient, genesis } = slip;
  const fresh = newWalletAccount({ custodian, account, patient, genesis });
  const claimed = await claimAccount(
    { post: cast.physician.as(undefined).post, keys: nodeKeys, nowMs: clock() },
    slip,
    fresh,
  );
  tell(`She claims her account with the code from the desk (${slip.code}); its keys are in her wallet only.`);
  return claimed;
}

/** She decides, in FHIR; what reaches the ledger is blinded. */
export async function decide(stage: Stage, wallet: WalletAccount): Promise<void> {
  const { cast, heroine, clock, tell } = stage;
  const dateTime = msToInstant(clock());
  const patientId = heroine.id;
  const permit = treatmentConsent({ patientId, dateTime, member: cast.riverside, except: heroine.label });
  const first = await grant(stage, wallet, permit);
  tell(`She lets Riverside see her records for treatment, except those labelled ${heroine.label.code}.`);
  const second = await grant(stage, wallet, labelDenial({ patientId, dateTime, label: heroine.label }));
  tell(`She denies records labelled ${heroine.label.code} to everybody, her own hospital included.`);
  stage.exhibit({ name: 'consent-riverside', path: `/api/receipts/transactions/${first}`, client: cast.physician });
  stage.exhibit({ name: 'consent-label', path: `/api/receipts/transactions/${second}`, client: cast.physician });
}

async function grant({ cast, heroine, clock }: Stage, wallet: WalletAccount, consent: Consent): Promise<string> {
  const patient = cast.physician.as(wallet.token);
  const text = JSON.stringify(consent);
  const kept = (await patient.post('/api/consents/documents', { patientId: heroine.id, consent: text })) as {
    id: string;
    leaf: string;
  };
  const { wire } = await grantConsent({ keys: nodeKeys, nowMs: clock() }, wallet, consent, kept.leaf);
  const body = { patientId: heroine.id, document: kept.id, wire: bytesToBase64url(wire) };
  return ((await patient.post('/api/consents', body)) as { policy: string }).policy;
}

/** Another hospital asks; every validator decides, the custodian releases what was permitted and nothing else. */
export async function share(stage: Stage): Promise<void> {
  const { cast, heroine, tell } = stage;
  const asked = { custodian: cast.brigid, identifier: heroine.identifier, resourceTypes: ['Condition', 'Observation'] };
  const answer = (await cast.riversidePhysician.post('/api/access/requests', asked)) as AccessRequestAnswer;
  tell(
    `Riverside asks for treatment: ${answer.decision} (${answer.rules.map(shortRule).join(', ')}); ${answer.resources} resources released, sealed to it, each checked against its leaf.`,
  );
  stage.exhibit({
    name: 'request-riverside',
    path: `/api/receipts/transactions/${answer.transaction}`,
    client: cast.physician,
  });
}

export async function refuseResearch(stage: Stage): Promise<void> {
  const { cast, heroine, tell } = stage;
  const asked = { custodian: cast.brigid, identifier: heroine.identifier, resourceTypes: ['Condition'] };
  const answer = (await cast.researcher.post('/api/access/requests', asked)) as AccessRequestAnswer;
  tell(
    `Meridian asks for research: ${answer.decision} (${answer.rules.map(shortRule).join(', ')}). The denial is on the ledger too.`,
  );
  stage.exhibit({
    name: 'request-meridian-denied',
    path: `/api/receipts/transactions/${answer.transaction}`,
    client: cast.physician,
  });
}

/** An emergency: what she denied is read all the same, and everybody will know. */
export async function breakGlass(stage: Stage): Promise<void> {
  const { cast, heroine, tell } = stage;
  const path = `/fhir/Condition/${heroine.sensitive}`;
  const before = await statusOf(() => cast.physician.get(path));
  tell(`The labelled condition is denied to the physician now: it looks as if it were not there (${before}).`);
  const stated = { patientId: heroine.id, reason: 1, statedReason: 'unconscious in the emergency department' };
  const { act } = (await cast.physician.post('/api/access/break-glass', stated)) as { act: string };
  const after = await statusOf(() => cast.physician.as(cast.physicianToken, 'BTG').get(path));
  tell(`The physician breaks the glass, stating why, for an hour: ${after}.`);
  stage.exhibit({ name: 'break-glass', path: `/api/receipts/transactions/${act}`, client: cast.physician });
}

async function statusOf(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return 'permitted';
  } catch (error) {
    if (isReject(error)) return error.code;
    throw error;
  }
}

/** She sees who looked, and takes receipts of it. */
export async function account(stage: Stage, wallet: WalletAccount): Promise<void> {
  const { cast, heroine, tell } = stage;
  const patient = cast.physician.as(wallet.token);
  const accounting = (await patient.get(`/api/patients/${heroine.id}/accounting`)) as Accounting;
  tell('Her accounting, newest first:');
  const looked = accounting.entries.filter(({ kind }) => ['read', 'release', 'refusal', 'break-glass'].includes(kind));
  for (const entry of looked) {
    const { timeMs, kind, purpose, decision, versions, generation, index } = entry;
    tell(
      `  ${msToInstant(timeMs)}  ${kind.padEnd(11)} ${purpose.padEnd(6)} ${decision}  ${versions === 1 ? '1 version' : `${versions} versions`}`,
    );
    stage.exhibit({ name: `${kind}-${index}`, path: `/api/receipts/journal/${generation}/${index}`, client: patient });
  }
  for (const { statedReason } of accounting.breakGlass)
    tell(`  broken glass, stated reason: ${statedReason ?? 'not stated here'}`);
}
