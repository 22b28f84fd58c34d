import type { Coding, Consent } from '@medplum/fhirtypes';
import type { DocumentAnswer } from '../../capabilities/consent/api/endpoints.ts';
import type { Policy } from '../../capabilities/consent/contract/policy.ts';
import { isPurpose } from '../../capabilities/consent/contract/purposes.ts';
import { bytesToBase64url, utf8ToText } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { grantConsent, revokeConsent } from '../../wallet/consent.ts';
import { choiceToConsent } from '../../wallet/consent-choice.ts';
import { nodeKeys } from '../../wallet/node/node-keys.ts';
import type { WalletAccount } from '../../wallet/wallet.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import {
  asConsentCaller,
  CALLER_OPTIONS,
  CALLER_USAGE,
  type ConsentCaller,
  type ListedOrganisation,
  memberAccount,
} from '../consent-caller.ts';
import { readNamedFile } from '../files.ts';
import { listOption, textOption } from '../option-values.ts';
import { NODE_OPTIONS, NODE_USAGE } from '../use-node.ts';

const reject = rejecter(CODES);
const MAX_CONSENT_BYTES = 128 * 1024;

type HeldPolicy = Policy & { readonly resource?: string; readonly revokedHere?: boolean };

/** `aceso consent grant`: a ready-made choice, or any FHIR Consent. */
const consentGrantCommand: Command = {
  name: 'consent grant',
  usage: `(--permit MEMBER | --deny MEMBER | --file CONSENT.json) [--purpose CODE]… [--except-label SYSTEM|CODE]… [OPTIONS]

  --permit MEMBER      let an organisation read (its short name on this node, or its account)
  --deny MEMBER        keep an organisation out
  --purpose CODE       for this purpose of use only; may be repeated (default: TREAT for --permit, any for --deny)
  --except-label S|C   leave out what carries this sensitivity label; may be repeated
  --file FILE          a FHIR R4 Consent instead, as IHE PCF profiles it
${CALLER_USAGE}${NODE_USAGE}`,
  summary: 'Permit or deny an organisation the patient’s records',
  options: {
    ...NODE_OPTIONS,
    ...CALLER_OPTIONS,
    permit: { type: 'string' },
    deny: { type: 'string' },
    file: { type: 'string' },
    purpose: { type: 'string', multiple: true },
    'except-label': { type: 'string', multiple: true },
  },
  maxArguments: 0,
  run: (context, values) =>
    asConsentCaller(context, values, async (caller) => {
      const text = await consentText(context, values, caller);
      const answer = (await sendGrant(context, caller, text)) as {
        policy: string;
        data: { superseded?: string; basis: string };
      };
      context.print(
        `Granted, ${answer.data.basis === 'attested' ? 'attested by the organisation' : 'signed by the patient'}. In force now.`,
      );
      context.print(`  policy    ${answer.policy}`);
      if (answer.data.superseded !== undefined) context.print(`  replaces  ${answer.data.superseded}`);
    }),
};

/** `aceso consent revoke`: ends a policy at once. */
const consentRevokeCommand: Command = {
  name: 'consent revoke',
  usage: `POLICY [OPTIONS]\n\n  POLICY  its id, or the beginning of it\n${CALLER_USAGE}${NODE_USAGE}`,
  summary: 'End a policy; what was read before stays read',
  options: { ...NODE_OPTIONS, ...CALLER_OPTIONS },
  maxArguments: 1,
  run: (context, values, [named]) =>
    asConsentCaller(context, values, async (caller) => {
      const { client, patient: patientId, account } = caller;
      const held = (await policiesOf(caller)).filter(
        ({ id, status }) => status === 'active' && named !== undefined && id.startsWith(named),
      );
      const [policy, ...others] = held;
      if (policy === undefined || others.length > 0) throw reject('CHOICE_NOT_FOUND', { matching: held.length });
      const wire =
        account === undefined ? {} : { wire: bytesToBase64url(await revokeConsent(by(context), account, policy.id)) };
      const answer = (await client.post('/api/consents/revoke', { patientId, policy: policy.id, ...wire })) as {
        origin: string;
      };
      context.print(`Revoked: ${policy.id}`);
      if (answer.origin !== 'LEDGER') {
        context.print('  The ledger stands still. This organisation obeys already; others do once the ledger moves.');
        context.print('  Revoke it once more then, if `aceso consent list` still shows it as active on the ledger.');
      }
    }),
};

/** `aceso consent list`: what is in force. */
const consentListCommand: Command = {
  name: 'consent list',
  usage: `[OPTIONS]\n${CALLER_USAGE}${NODE_USAGE}`,
  summary: 'Show a patient’s policies',
  options: { ...NODE_OPTIONS, ...CALLER_OPTIONS },
  maxArguments: 0,
  run: (context, values) =>
    asConsentCaller(context, values, async (caller) => {
      const policies = await policiesOf(caller);
      for (const policy of policies) context.print(policyLine(policy, caller.organisations));
      context.note(`${policies.length} policies; deny beats permit, and what no policy permits is denied`);
    }),
};

export const consentCommands: readonly Command[] = [consentGrantCommand, consentRevokeCommand, consentListCommand];

function by(context: CliContext) {
  return { keys: nodeKeys, nowMs: context.clock() };
}

async function policiesOf({ client, patient }: ConsentCaller): Promise<readonly HeldPolicy[]> {
  const path = `/api/patients/${encodeURIComponent(patient)}/policies`;
  return ((await client.get(path)) as { policies: readonly HeldPolicy[] }).policies;
}

/** Text of the Consent that is to be granted: the file's own, byte for byte, or that of the choice. */
async function consentText(context: CliContext, values: OptionValues, caller: ConsentCaller): Promise<string> {
  const [permit, deny, file] = ['permit', 'deny', 'file'].map((name) => textOption(values, name));
  if ([permit, deny, file].filter((one) => one !== undefined).length !== 1) {
    throw reject('ARGUMENTS_WRONG', { problem: 'give one of --permit, --deny and --file' });
  }
  const [purposes, labels] = [listOption(values, 'purpose'), listOption(values, 'except-label')];
  if (file !== undefined) {
    if (purposes.length + labels.length > 0)
      throw reject('ARGUMENTS_WRONG', { problem: '--file says everything by itself' });
    const bytes = await readNamedFile(context, file);
    if (bytes.length > MAX_CONSENT_BYTES) throw reject('FILE_UNREADABLE', { reason: 'larger than 128 KiB' });
    return utf8ToText(bytes);
  }
  const unknown = purposes.filter((code) => !isPurpose(code));
  if (unknown.length > 0)
    throw reject('ARGUMENTS_WRONG', { problem: 'no purpose of use of HL7 v3 ActReason', unknown });
  const consent = choiceToConsent({
    patient: caller.patient,
    sense: permit === undefined ? 'deny' : 'permit',
    member: memberAccount(caller.organisations, permit ?? deny ?? ''),
    purposes: purposes.length === 0 && permit !== undefined ? ['TREAT'] : purposes,
    exceptLabels: labels.map(codingOf),
  });
  return JSON.stringify(consent);
}

function codingOf(text: string): Coding {
  const at = text.lastIndexOf('|');
  if (at < 1 || at === text.length - 1)
    throw reject('ARGUMENTS_WRONG', { problem: '--except-label takes SYSTEM|CODE' });
  return { system: text.slice(0, at), code: text.slice(at + 1) };
}

/** The document is kept first, so that the patient signs its leaf; staff leave signing to the organisation. */
async function sendGrant(
  context: CliContext,
  { client, patient: patientId, account }: ConsentCaller,
  consent: string,
): Promise<unknown> {
  if (account === undefined) return client.post('/api/consents', { patientId, consent });
  const { id: document, leaf } = (await client.post('/api/consents/documents', {
    patientId,
    consent,
  })) as DocumentAnswer;
  const wire = await signGrant(context, account, consent, leaf);
  return client.post('/api/consents', { patientId, document, wire });
}

async function signGrant(context: CliContext, account: WalletAccount, consent: string, leaf: string): Promise<string> {
  const { wire, inexpressible } = await grantConsent(by(context), account, JSON.parse(consent) as Consent, leaf);
  if (inexpressible !== undefined) {
    context.note(
      `this Consent says more than a policy can (${inexpressible}): it denies everything until it is replaced`,
    );
  }
  return bytesToBase64url(wire);
}

/** One policy on a line: how it stands, for whom, for what; what is blinded is only said to be there. */
function policyLine(policy: HeldPolicy, organisations: readonly ListedOrganisation[]): string {
  const { id, status, sense, root, exceptions, inexpressible, attestedBy, resource, revokedHere } = policy;
  const nameOf = (member: string): string => organisations.find(({ account }) => account === member)?.name ?? member;
  const words = [
    revokedHere === true ? 'revoked here, not yet on the ledger' : status,
    sense,
    (root.members ?? []).map(nameOf).join(', ') ||
      (root.actorTags === undefined ? 'anybody' : 'people named in the document'),
    root.purposes === undefined ? 'any purpose' : `for ${root.purposes.join(', ')}`,
    ...(root.categoryTags === undefined && root.labelTags === undefined && root.dataTags === undefined
      ? []
      : ['for some records']),
    ...(exceptions.length === 0 ? [] : [`${exceptions.length} exception${exceptions.length === 1 ? '' : 's'}`]),
    ...(inexpressible === undefined ? [] : [inexpressible]),
    ...(attestedBy === undefined ? [] : ['attested']),
  ];
  return `${words.join(' · ')}\n  ${id}${resource === undefined ? '' : `  ${resource}`}`;
}
