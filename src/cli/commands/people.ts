import type {
  AppList,
  InvitationAnswer,
  PasskeyEntry,
  PasskeyList,
  PeopleList,
} from '../../capabilities/membership/api.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { dayText, timeText } from '../operations.ts';
import { listOption, neededOption } from '../option-values.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);
const ACCOUNT = /^[0-9a-f]{32}$/;

/** `aceso people hire`: registers a practitioner who signs in by passkey. */
const peopleHireCommand: Command = {
  name: 'people hire',
  usage: `--label TEXT [--role-code SYSTEM|CODE]… [--purpose CODE]… [OPTIONS]

  --label TEXT     what lists and the person's own device show
  --role-code S|C  profession, e.g. 'http://snomed.info/sct|309343006'; may be repeated
  --purpose CODE   purpose of use they may declare, HL7 v3 ActReason; may be repeated (default TREAT)${NODE_USAGE}`,
  summary: 'Register a practitioner and give the link on which they make their passkey',
  options: {
    ...NODE_OPTIONS,
    label: { type: 'string' },
    'role-code': { type: 'string', multiple: true },
    purpose: { type: 'string', multiple: true },
  },
  maxArguments: 0,
  async run(context, values) {
    const purposes = listOption(values, 'purpose');
    const request = {
      label: neededOption(values, 'label'),
      roleCodes: listOption(values, 'role-code'),
      purposes: purposes.length === 0 ? ['TREAT'] : purposes,
    };
    const answer = await withNode(context, values, ({ client }) => client.post('/api/people', request));
    showInvitation(context, answer as InvitationAnswer, request.label);
  },
};

/** `aceso people invite`: a new enrolment link, for a lost device or one more passkey. */
const peopleInviteCommand: Command = {
  name: 'people invite',
  usage: `ACCOUNT [OPTIONS]

  ACCOUNT  whose link it is; \`aceso people list\` shows accounts. The last link that was not used ends.${NODE_USAGE}`,
  summary: 'Give somebody a new link to make a passkey',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [account]) {
    const path = `/api/people/${requireAccount(account)}/enrolment`;
    const answer = await withNode(context, values, ({ client }) => client.post(path, {}));
    showInvitation(context, answer as InvitationAnswer, account as string);
  },
};

/** `aceso people list`: who signs in, and by what. */
const peopleListCommand: Command = {
  name: 'people list',
  usage: `[OPTIONS]${NODE_USAGE}`,
  summary: 'List who signs in as somebody of the organisation, with their passkeys',
  options: NODE_OPTIONS,
  maxArguments: 0,
  async run(context, values) {
    const { people } = (await withNode(context, values, ({ client }) => client.get('/api/people'))) as PeopleList;
    if (people.length === 0) context.note('nobody yet; `aceso people hire` registers somebody');
    for (const { account, label, status, roles, purposes, passkeys } of people) {
      context.print(`${account}  ${status}  ${label}`);
      context.print(`  ${[...roles, ...purposes].join(', ')}`);
      showPasskeys(context, passkeys);
    }
  },
};

/** `aceso people passkeys`: of one person, a patient too. */
const peoplePasskeysCommand: Command = {
  name: 'people passkeys',
  usage: `ACCOUNT [OPTIONS]

  ACCOUNT  whose passkeys, a practitioner's or a patient's${NODE_USAGE}`,
  summary: 'List the passkeys of a practitioner or a patient',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [account]) {
    const path = `/api/people/${requireAccount(account)}/passkeys`;
    const { passkeys } = (await withNode(context, values, ({ client }) => client.get(path))) as PasskeyList;
    if (passkeys.length === 0) context.note('none');
    showPasskeys(context, passkeys);
  },
};

/** `aceso people dismiss`: somebody leaves. */
const peopleDismissCommand: Command = {
  name: 'people dismiss',
  usage: `ACCOUNT [OPTIONS]

  ACCOUNT  who leaves: they sign in no more, and the account on the ledger is closed for good${NODE_USAGE}`,
  summary: 'End somebody’s sign-in and close their account',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [account]) {
    const path = `/api/people/${requireAccount(account)}/dismiss`;
    await withNode(context, values, ({ client }) => client.post(path, {}));
    context.print('dismissed');
  },
};

/** `aceso people forget-passkey`: a device was lost. */
const peopleForgetPasskeyCommand: Command = {
  name: 'people forget-passkey',
  usage: `ACCOUNT PASSKEY [OPTIONS]

  ACCOUNT  whose passkey it is, a practitioner's or a patient's
  PASSKEY  its id; \`aceso people passkeys\` shows it${NODE_USAGE}`,
  summary: 'Remove a passkey that was lost or is no longer needed',
  options: NODE_OPTIONS,
  maxArguments: 2,
  async run(context, values, [account, id]) {
    if (id === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'the passkey is missing' });
    const path = `/api/people/${requireAccount(account)}/passkeys/remove`;
    await withNode(context, values, ({ client }) => client.post(path, { id }));
    context.print('removed');
  },
};

/** `aceso people apps`: what somebody allowed. */
const peopleAppsCommand: Command = {
  name: 'people apps',
  usage: `ACCOUNT [OPTIONS]

  ACCOUNT  who allowed them, a practitioner or a patient${NODE_USAGE}`,
  summary: 'List the apps that may act for somebody, and what they may do',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [account]) {
    const path = `/api/people/${requireAccount(account)}/apps`;
    const { apps } = (await withNode(context, values, ({ client }) => client.get(path))) as AppList;
    if (apps.length === 0) context.note('none');
    for (const { client_id: id, client_name: name, scopes, sinceMs, usedMs } of apps) {
      const used = usedMs === undefined ? '' : `, last used ${timeText(usedMs)}`;
      context.print(`${id}  ${name}, allowed ${timeText(sinceMs)}${used}`);
      context.print(`  ${scopes.join(' ')}`);
    }
  },
};

/** `aceso people end-app`: an app acts for somebody no more. */
const peopleEndAppCommand: Command = {
  name: 'people end-app',
  usage: `ACCOUNT CLIENT [OPTIONS]

  ACCOUNT  who allowed it, a practitioner or a patient
  CLIENT   id of the app; \`aceso people apps\` shows it${NODE_USAGE}`,
  summary: 'End what somebody allowed an app to do',
  options: NODE_OPTIONS,
  maxArguments: 2,
  async run(context, values, [account, clientId]) {
    if (clientId === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'the app is missing' });
    const path = `/api/people/${requireAccount(account)}/apps/end`;
    await withNode(context, values, ({ client }) => client.post(path, { client_id: clientId }));
    context.print('ended');
  },
};

/** `aceso people sign-out`: something was lost or stolen. */
const peopleSignOutCommand: Command = {
  name: 'people sign-out',
  usage: `ACCOUNT [OPTIONS]

  ACCOUNT  a practitioner's or a patient's. Their browsers, their apps and the tokens that they were given open nothing from
           then on; by their passkeys and wallet they sign in again.${NODE_USAGE}`,
  summary: 'End every session, app and token of somebody',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [account]) {
    const path = `/api/people/${requireAccount(account)}/sign-out`;
    await withNode(context, values, ({ client }) => client.post(path, {}));
    context.print('signed out everywhere');
  },
};

export const peopleCommands: readonly Command[] = [
  peopleHireCommand,
  peopleInviteCommand,
  peopleListCommand,
  peoplePasskeysCommand,
  peopleDismissCommand,
  peopleForgetPasskeyCommand,
  peopleAppsCommand,
  peopleEndAppCommand,
  peopleSignOutCommand,
];

function showInvitation(context: CliContext, { account, link, expiresAtMs }: InvitationAnswer, who: string): void {
  context.note(`link of ${who}, good once, until ${timeText(expiresAtMs)}; hand it to this person alone:`);
  context.print(link);
  context.note(`account on the ledger: ${account}`);
}

function showPasskeys(context: CliContext, passkeys: readonly PasskeyEntry[]): void {
  for (const { id, createdMs, usedMs, isSynchronised, wentBackMs } of passkeys) {
    const used = usedMs === undefined ? 'never used' : `last used ${timeText(usedMs)}`;
    const kind = isSynchronised ? 'synchronised' : 'of one device';
    context.print(`  passkey ${id}, ${kind}, of ${dayText(createdMs)}, ${used}`);
    if (wentBackMs !== undefined)
      context.print(`    may have been copied: its counter went back ${timeText(wentBackMs)}; remove it`);
  }
}

function requireAccount(account: string | undefined): string {
  if (account === undefined || !ACCOUNT.test(account))
    throw reject('ARGUMENTS_WRONG', { problem: 'an account is 32 hexadecimal digits' });
  return account;
}
