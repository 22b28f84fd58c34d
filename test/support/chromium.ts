import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = PLACES.find((path) => existsSync(path));

/** Why browser tests are skipped here; false where they run. On CI they never are: without a browser they fail. */
export const withoutChromium: string | false =
  found === undefined && process.env.ACESO_CI !== '1'
    ? 'needs Chromium at /usr/bin/chromium, which is not installed'
    : false;

/** A headless Chromium that talks to nobody but the pages under test. */
export function launchChromium(): Promise<Browser> {
  if (found === undefined) throw new Error(`there is no Chromium at ${PLACES.join(' or ')}`);
  return chromium.launch({
    executablePath: found,
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}
