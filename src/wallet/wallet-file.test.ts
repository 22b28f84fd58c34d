import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { refusalOf } from '../../test/support/hospital-node.ts';
import { base64urlToBytes, bytesToBase64url, utf8ToText } from '../std/bytes.ts';
import { claimedAccount, EMPTY_WALLET, newWalletAccount, withAccount } from './wallet.ts';
import { readWalletFile, writeWalletFile } from './wallet-file.ts';

const ACCOUNT = newWalletAccount({
  custodian: 'a'.repeat(32),
  account: 'b'.repeat(32),
  patient: 'p',
  genesis: 'c'.repeat(64),
});

async function walletFile(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-wallet-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'wallet.json');
  await writeWalletFile(path, withAccount(EMPTY_WALLET, ACCOUNT), 'right');
  return path;
}

test('a wallet opens with its passphrase, and shows nothing without', async (t) => {
  const path = await walletFile(t);
  assert.deepEqual((await readWalletFile(path, 'right')).accounts, [ACCOUNT]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(!readFileSync(path, 'utf8').includes(ACCOUNT.account));
  assert.equal(await refusalOf(readWalletFile(path, 'wrong')), 'WALLET_LOCKED');
  assert.equal(await refusalOf(readWalletFile(`${path}.none`, 'right')), 'WALLET_UNKNOWN');
});

test('an altered wallet does not open', async (t) => {
  const path = await walletFile(t);
  const file = JSON.parse(utf8ToText(readFileSync(path))) as { format: string; salt: string; sealed: string };
  for (const part of ['salt', 'sealed'] as const) {
    const bytes = base64urlToBytes(file[part]) as Uint8Array;
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    writeFileSync(path, JSON.stringify({ ...file, [part]: bytesToBase64url(bytes) }));
    assert.equal(await refusalOf(readWalletFile(path, 'right')), 'WALLET_LOCKED', part);
  }
  for (const text of [
    '',
    '{}',
    JSON.stringify({ ...file, more: 1 }),
    JSON.stringify({ ...file, format: 'aceso.wallet/2' }),
  ]) {
    writeFileSync(path, text);
    assert.equal(await refusalOf(readWalletFile(path, 'right')), 'WALLET_MALFORMED', text.slice(0, 20));
  }
});

test('the account meant is the only claimed one, or the one named', async () => {
  const claimed = { ...ACCOUNT, tagKey: 'd'.repeat(64) };
  const other = { ...claimed, account: 'e'.repeat(32), custodian: 'f'.repeat(32) };
  const asked = (accounts: readonly (typeof ACCOUNT)[], custodian?: string) =>
    refusalOf((async () => claimedAccount({ accounts }, custodian))());
  assert.equal(await asked([claimed]), '');
  assert.equal(await asked([claimed, other], other.custodian), '');
  assert.equal(await asked([]), 'WALLET_ACCOUNT_UNKNOWN');
  assert.equal(await asked([ACCOUNT]), 'WALLET_ACCOUNT_UNCLAIMED');
  assert.equal(await asked([claimed, other]), 'WALLET_ACCOUNT_AMBIGUOUS');
});
