import { open } from 'node:fs/promises';
import { Value } from 'typebox/value';
import { randomBytes } from '#crypto/platform';
import { ClaimSlip, type TokenAnswer } from '../../capabilities/membership/api.ts';
import { MEMBER_ROLES } from '../../capabilities/membership/contract/state.ts';
import { ed25519PublicKey } from '../../crypto/node/ed25519.ts';
import { bytesToHex, utf8, utf8ToText } from '../../std/bytes.ts';
import { canonicalBytes, type JsonObject } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { claimAccount } from '../../wallet/claim.ts';
import { nodeKeys } from '../../wallet/node/node-keys.ts';
import { newOrganisationKeys } from '../../wallet/node/organisation-keys.ts';
import { newWalletAccount, withAccount } from '../../wallet/wallet.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { pathOf, readNamedFile } from '../files.ts';
import { openWallet } from '../open-wallet.ts';
import { listOption, neededOption, textOption } from '../option-values.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);
const SLUG = /^[a-z][a-z0-9-]{0,31}$/;

/** `aceso keys organisation`: keys of an organisation that is to found or join a ledger. */
const keysOrganisationCommand: Command = {
  name: 'keys organisation',
  usage: `--name NAME --slug SLUG --role ROLE… --out FILE [--validator | --operator]

  --name NAME  the organisation's name, for people; it is never on the ledger
  --slug SLUG  short name for command lines: a-z, 0-9 and -
  --role ROLE  ${MEMBER_ROLES.join(', ')}; may be repeated
  --out FILE   where the secret keys go (mode 0600, for \`aceso start --keys FILE\`)
  --validator  also make the keys of a validator of a consortium
  --operator   also make the key that signs the heads of a ledger of one operator; its public half is shown

Printed is the public entry: it goes into a genesis document, or to the members who vote on the admission. With
--validator it is {entry, validator}, two members of the organisation in the plan of \`aceso network init\`.`,
  summary: 'Make the keys of an organisation',
  options: {
    name: { type: 'string' },
    slug: { type: 'string' },
    role: { type: 'string', multiple: true },
    out: { type: 'string' },
    operator: { type: 'boolean' },
    validator: { type: 'boolean' },
  },
  maxArguments: 0,
  async run(context, values) {
    const [name, slug, out] = [neededOption(values, 'name'), neededOption(values, 'slug'), neededOption(values, 'out')];
    const roles = [...new Set(listOption(values, 'role'))].sort();
    const isRole = (role: string): boolean => MEMBER_ROLES.some((one) => one === role);
    if (!SLUG.test(slug)) throw reject('ARGUMENTS_WRONG', { problem: '--slug takes a-z, 0-9 and -, a letter first' });
    if (!/^[\x20-\x7e]{1,120}$/.test(name))
      throw reject('ARGUMENTS_WRONG', { problem: '--name takes 120 ASCII characters at most' });
    if (values.operator === true && values.validator === true)
      throw reject('ARGUMENTS_WRONG', {
        problem: 'a ledger has one operator or validators: --operator or --validator',
      });
    if (roles.length === 0 || !roles.every(isRole)) {
      throw reject('ARGUMENTS_WRONG', { problem: '--role is missing or unknown', roles: [...MEMBER_ROLES] });
    }
    const { organisation, secrets, entry } = await newOrganisationKeys({ slug, name, roles });
    const operatorSeed = values.operator === true ? randomBytes(32) : undefined;
    const own = values.validator === true ? await context.nodes.newValidator() : undefined;
    const file = {
      ...{ format: 'aceso.organisation-keys/1', organisation, secrets, entry },
      ...(operatorSeed === undefined ? {} : { operatorSeed: bytesToHex(operatorSeed) }),
      ...(own === undefined ? {} : { validator: own.seeds }),
    };
    await writeSecret(context, out, canonicalBytes(file as unknown as JsonObject));
    context.note(
      `secret keys: ${pathOf(context, out)} (mode 0600). Whoever has this file is ${name}: delete it, or lock it away, after the node's first start.`,
    );
    if (operatorSeed !== undefined) context.note(`operator key: ${bytesToHex(ed25519PublicKey(operatorSeed))}`);
    const shown = own === undefined ? entry : { entry, validator: own.validator };
    context.print(utf8ToText(canonicalBytes(shown as unknown as JsonObject)));
  },
};

/** `aceso keys token`: registers a practitioner and gives a token. */
const keysTokenCommand: Command = {
  name: 'keys token',
  usage: `--label TEXT [--role-code SYSTEM|CODE]… [--purpose CODE]… [--days N] [OPTIONS]

  --label TEXT        what lists show; no patient's name
  --role-code S|C     profession, e.g. 'http://snomed.info/sct|309343006'; may be repeated
  --purpose CODE      purpose of use it may declare, HL7 v3 ActReason; may be repeated (default TREAT)
  --days N            how long it is good for (default 30)${NODE_USAGE}`,
  summary: 'Register a practitioner and give a bearer token for them',
  options: {
    ...NODE_OPTIONS,
    label: { type: 'string' },
    'role-code': { type: 'string', multiple: true },
    purpose: { type: 'string', multiple: true },
    days: { type: 'string' },
  },
  maxArguments: 0,
  async run(context, values) {
    const days = Number(textOption(values, 'days') ?? '30');
    if (!Number.isSafeInteger(days)) throw reject('ARGUMENTS_WRONG', { problem: '--days takes a whole number' });
    const purposes = listOption(values, 'purpose');
    const request = {
      label: neededOption(values, 'label'),
      roleCodes: listOption(values, 'role-code'),
      purposes: purposes.length === 0 ? ['TREAT'] : purposes,
      days,
    };
    const answer = (await withNode(context, values, ({ client }) =>
      client.post('/api/tokens', request),
    )) as TokenAnswer;
    context.note(`token of ${request.label}, good until ${dateOf(answer.expiresAtMs)}, shown this once:`);
    context.print(answer.token);
    context.note(`account on the ledger: ${answer.account}`);
  },
};

/** `aceso keys revoke`: ends a token that was lost or is no longer needed. */
const keysRevokeCommand: Command = {
  name: 'keys revoke',
  usage: `TOKEN [OPTIONS]

  TOKEN  the bearer token that is to open nothing any more${NODE_USAGE}`,
  summary: 'Revoke a bearer token',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [revoked]) {
    if (revoked === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'the token is missing' });
    await withNode(context, values, ({ client }) => client.post('/api/tokens/revoke', { token: revoked }));
    context.print('revoked');
  },
};

/** `aceso keys slip`: what the desk hands a patient. */
const keysSlipCommand: Command = {
  name: 'keys slip',
  usage: `PATIENT --out FILE [OPTIONS]

  PATIENT     id of the Patient resource; hand the slip to this person alone
  --out FILE  where the slip goes (mode 0600)${NODE_USAGE}`,
  summary: 'Make the one-time slip with which a patient claims their account',
  options: { ...NODE_OPTIONS, out: { type: 'string' } },
  maxArguments: 1,
  async run(context, values, [patient]) {
    if (patient === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'the patient is missing' });
    const out = neededOption(values, 'out');
    const path = `/api/accounts/${encodeURIComponent(patient)}/claim-code`;
    const slip = (await withNode(context, values, ({ client }) => client.post(path, {}))) as ClaimSlip;
    await writeSecret(context, out, utf8(`${JSON.stringify(slip, null, 2)}\n`));
    context.print(`slip: ${pathOf(context, out)}\n  code ${slip.code}, good once, until ${dateOf(slip.expiresAtMs)}`);
  },
};

/** `aceso keys claim`: makes an account the patient's own. */
const keysClaimCommand: Command = {
  name: 'keys claim',
  usage: `--slip FILE --wallet FILE [OPTIONS]

  --slip FILE    what the desk handed out
  --wallet FILE  wallet that is to hold the keys; made when it is not there
                 (passphrase from ACESO_WALLET_PASSPHRASE, or asked)${NODE_USAGE}`,
  summary: 'Claim a patient’s account: from then on only this wallet’s keys sign for it',
  options: { ...NODE_OPTIONS, slip: { type: 'string' }, wallet: { type: 'string' } },
  maxArguments: 0,
  async run(context, values) {
    const [slipFile, walletFile] = [neededOption(values, 'slip'), neededOption(values, 'wallet')];
    const slip = await readSlip(context, slipFile);
    const { wallet, save } = await openWallet(context, walletFile, true);
    const known = wallet.accounts.find(({ account }) => account === slip.account);
    const account = known ?? newWalletAccount(slip);
    // Durable before anybody else knows the key: a claim whose keys are lost would lock the patient out.
    await save(withAccount(wallet, account));
    const claimed = await withNode(context, values, ({ client }) => {
      const post = client.as(undefined).post;
      return claimAccount({ post, keys: nodeKeys, nowMs: context.clock() }, slip, account);
    });
    await save(withAccount(wallet, claimed));
    context.print(`Claimed. Only this wallet signs for account ${claimed.account} now.`);
    context.print('Back the wallet file up, and keep its passphrase apart from it.');
  },
};

export const keysCommands: readonly Command[] = [
  keysOrganisationCommand,
  keysTokenCommand,
  keysRevokeCommand,
  keysSlipCommand,
  keysClaimCommand,
];

async function readSlip(context: CliContext, file: string): Promise<ClaimSlip> {
  const bytes = await readNamedFile(context, file);
  let slip: unknown;
  try {
    slip = bytes.length > 4096 ? undefined : JSON.parse(utf8ToText(bytes));
  } catch {
    slip = undefined;
  }
  if (!Value.Check(ClaimSlip, slip)) throw reject('FILE_UNREADABLE', { reason: 'no claim slip' });
  return slip;
}

/** Writes a file that only its owner reads, and none over another. Throws Reject FILE_EXISTS, FILE_UNREADABLE. */
async function writeSecret(context: CliContext, file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(pathOf(context, file), 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? reject('FILE_EXISTS')
      : reject('FILE_UNREADABLE', { reason: error.code ?? 'unknown' });
  });
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
