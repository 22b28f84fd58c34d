import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { buildVerifyPage } from '../../src/app/build-verify-page.ts';
import { verifyPagePlugin } from '../../src/app/verify-page-plugin.ts';
import { createHttpHost } from '../../src/server/http-host.ts';
import { launchChromium, withoutChromium } from '../support/chromium.ts';
import { createReceiptSamples, type ReceiptSamples } from '../support/receipt-samples.ts';

interface Upload {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a browser does when files are let go over the page; in text, since these tests have no DOM types. */
const DROP = `((files) => {
  const transfer = new DataTransfer();
  for (const { name, numbers } of files) transfer.items.add(new File([new Uint8Array(numbers)], name));
  const event = new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector('#drop').dispatchEvent(event);
})`;

describe('the verify page in Chromium', { skip: withoutChromium }, () => {
  let browser: Browser;
  let host: FastifyInstance;
  let url: string;
  let samples: ReceiptSamples;
  const folder = mkdtempSync(join(tmpdir(), 'aceso-verify-'));

  before(async () => {
    samples = await createReceiptSamples();
    host = createHttpHost({ logger: pino({ level: 'silent' }) });
    await host.register(verifyPagePlugin);
    url = `${await host.listen({ host: '127.0.0.1', port: 0 })}/verify`;
    browser = await launchChromium();
  });

  after(async () => {
    await browser?.close();
    await host?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs `use` on a fresh page; fails it for any error, refused load, or request but the page's own. */
  async function onPage(
    use: (page: Page, context: BrowserContext) => Promise<void>,
    options: { readonly at?: string; readonly width?: number; readonly dark?: boolean } = {},
  ): Promise<void> {
    const { at = url, width = 1100, dark = false } = options;
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: dark ? 'dark' : 'light',
    });
    const faults: string[] = [];
    const requests: string[] = [];
    try {
      const page = await context.newPage();
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      page.on('request', (request) => requests.push(request.url()));
      await page.goto(at);
      await use(page, context);
      assert.deepEqual(faults, []);
      assert.deepEqual(requests, [at]);
    } finally {
      await context.close();
    }
  }

  async function give(page: Page, input: 'trust' | 'receipts' | 'content', files: readonly Upload[]): Promise<void> {
    const payload = files.map(({ name, bytes }) => ({
      name,
      mimeType: 'application/json',
      buffer: Buffer.from(bytes),
    }));
    await page.setInputFiles(`#${input}`, payload);
  }

  const receipts = (): Upload[] =>
    Object.entries(samples.receipts).map(([name, bytes]) => ({ name: `${name}.receipt.json`, bytes }));
  const genesis = (): Upload[] => [{ name: 'genesis.json', bytes: samples.genesis }];
  const summary = async (page: Page, expected: string): Promise<void> => {
    await page.locator(`#summary:text-is("${expected}")`).waitFor();
  };

  test('every kind of receipt is proved, in words, with content compared', () =>
    onPage(async (page) => {
      await give(page, 'trust', genesis());
      await give(page, 'content', [{ name: 'obs-1.json', bytes: samples.content }]);
      await give(page, 'receipts', receipts());
      await summary(page, '7 of 7 proved');
      const headlines = await page.locator('.card h3').allTextContents();
      assert.ok(headlines.includes('Observation/obs-1, version 1, was written'));
      assert.ok(headlines.includes('The ledger held nothing under this exact key'));
      assert.ok(headlines.includes('The ledger refused “account.claim”: ACCOUNT_STATUS'));
      assert.equal(await page.getByText('The given content is, byte for byte, what was written.').count(), 1);
      assert.equal(await page.getByText(/Seen by witness\.example at/).count(), 7);
      assert.equal(await page.getByText('Signed by 1 operator key.').count(), 7);
      assert.equal(await page.getByText(/holds the salt and hash of a health record/).count(), 1);
      assert.equal(await page.locator('#trouble').isVisible(), false);
    }));

  test('against a checkpoint it says how the receipt goes on from it', () =>
    onPage(async (page) => {
      await give(page, 'trust', [{ name: 'checkpoint.json', bytes: samples.checkpoint }]);
      await give(page, 'receipts', receipts());
      await summary(page, '7 of 7 proved');
      assert.equal(await page.getByText('Its ledger is proved to go on from your checkpoint.').count(), 5);
      assert.equal(await page.getByText(/does not tie its ledger to your checkpoint/).count(), 2);
    }));

  test('flipped bytes are refused, wherever they are', () =>
    onPage(async (page) => {
      const flipped = receipts().flatMap(({ name, bytes }) =>
        Array.from({ length: 12 }, (_, part) => {
          const bent = bytes.slice();
          const at = Math.floor(((part + 0.5) * bytes.length) / 12);
          bent[at] = (bent[at] as number) ^ 1;
          return { name: `${at}-${name}`, bytes: bent };
        }),
      );
      await give(page, 'trust', genesis());
      await give(page, 'receipts', flipped);
      await summary(page, `0 of ${flipped.length} proved, ${flipped.length} refused`);
      assert.equal(await page.locator('.card.refused').count(), flipped.length);
    }));

  test('content that differs is said to differ, and a wrong trust file to be none', () =>
    onPage(async (page) => {
      await give(
        page,
        'receipts',
        receipts().filter(({ name }) => name.startsWith('journal-version')),
      );
      await page.getByText(/Now choose the trust file/).waitFor();
      await give(page, 'trust', [{ name: 'genesis.json', bytes: samples.genesis.subarray(1) }]);
      await page.getByText(/neither a genesis document nor a checkpoint/).waitFor();
      await give(page, 'trust', genesis());
      await give(page, 'content', [{ name: 'other.json', bytes: samples.content.subarray(1) }]);
      await page.getByText('The given content is not what this receipt is about.').waitFor();
      assert.equal(await page.locator('.card.differs').count(), 1);
      await page.getByRole('button', { name: 'Start over' }).click();
      assert.equal(await page.locator('.card').count(), 0);
    }));

  test('all files dropped at once find their place', () =>
    onPage(async (page) => {
      const files = [...genesis(), ...receipts(), { name: 'obs-1.json', bytes: samples.content }];
      const dropped = files.map(({ name, bytes }) => ({ name, numbers: [...bytes] }));
      await page.evaluate(`${DROP}(${JSON.stringify(dropped)})`);
      await summary(page, '7 of 7 proved');
      await page.getByText('The given content is, byte for byte, what was written.').waitFor();
    }));

  test('words in a receipt are never markup, and the policy refuses other scripts', () =>
    onPage(async (page) => {
      await give(page, 'trust', genesis());
      await give(page, 'receipts', [
        { name: '<img src=x onerror=document.title=1>.receipt.json', bytes: samples.genesis },
      ]);
      await summary(page, '0 of 1 proved, 1 refused');
      assert.equal(await page.locator('img').count(), 0);
      const response = await host.inject({ method: 'GET', url: '/verify' });
      const policy = String(response.headers['content-security-policy']);
      assert.match(policy, /^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}=';/);
      assert.match(policy, /frame-ancestors 'none'$/);
    }));

  test('saved to a file it works without any server', async () => {
    const file = join(folder, 'verify.html');
    await buildVerifyPage(file);
    await onPage(
      async (page) => {
        await give(page, 'trust', genesis());
        await give(page, 'receipts', receipts());
        await summary(page, '7 of 7 proved');
      },
      { at: pathToFileURL(file).href },
    );
  });

  test('it works by keyboard alone, and fits desktop and phone in light and dark', async () => {
    for (const [width, dark] of [
      [1100, false],
      [390, false],
      [390, true],
    ] as const) {
      await onPage(
        async (page) => {
          await page.keyboard.press('Tab');
          assert.equal(await page.evaluate('document.activeElement.id'), 'trust');
          await give(page, 'trust', genesis());
          await give(page, 'receipts', [
            ...receipts(),
            { name: 'torn.receipt.json', bytes: samples.genesis.subarray(9) },
          ]);
          await summary(page, '7 of 8 proved, 1 refused');
          await page.locator('summary').first().press('Enter');
          assert.equal(await page.locator('details[open]').count(), 1);
          await page
            .locator('details')
            .nth(3)
            .evaluate((details) => details.setAttribute('open', ''));
          const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          assert.ok(Number(overflow) <= 0, `${overflow} pixels too wide at ${width}`);
          const shots = process.env.ACESO_SCREENSHOTS;
          if (shots !== undefined)
            writeFileSync(
              join(shots, `verify-${width}${dark ? '-dark' : ''}.png`),
              await page.screenshot({ fullPage: true }),
            );
        },
        { width, dark },
      );
    }
  });
});
