import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { buildVerifyPage } from '../../../src/app/build-verify-page.ts';
import { launchChromium, withoutChromium } from '../../support/chromium.ts';

const FOLDER = join(import.meta.dirname, 'cometbft');

test('the saved verify page proves receipts of a consortium in Chromium', { skip: withoutChromium }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aceso-verify-'));
  const browser = await launchChromium();
  try {
    await buildVerifyPage(join(folder, 'verify.html'));
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(pathToFileURL(join(folder, 'verify.html')).href);
    const receipts = readdirSync(FOLDER).filter((name) => name.endsWith('.receipt.json'));
    const summary = (expected: string) => page.locator(`#summary:text-is("${expected}")`).waitFor();

    await page.setInputFiles('#trust', join(FOLDER, 'genesis.json'));
    await page.getByText('4 members sign it, by more than two thirds of their votes.').waitFor();
    await page.setInputFiles('#receipts', receipts.map((name) => join(FOLDER, name)));
    await summary('8 of 8 proved');
    assert.equal(await page.getByText('Signed by 3 of 4 members.').count(), 8);

    await page.setInputFiles('#trust', join(FOLDER, 'checkpoint-4.json'));
    await summary('7 of 8 proved, 1 refused');
    assert.equal(await page.getByText('RECEIPT_BEFORE_CHECKPOINT').count(), 1);
    assert.equal(await page.getByText('It is of the very ledger state that your checkpoint names.').count(), 7);

    await page.setInputFiles('#trust', join(FOLDER, '../genesis.json'));
    await summary('0 of 8 proved, 8 refused');
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  }
});
