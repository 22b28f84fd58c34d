import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { browserScript } from './browser-script.ts';

const SOURCE = join(import.meta.dirname, '../web/verify');

/** The verify page as one file, and the policy that a server sends with it. */
export interface VerifyPage {
  readonly html: string;
  /** Content-Security-Policy: this very script and style, and nothing else, no connection either. */
  readonly policy: string;
}

let built: Promise<VerifyPage> | undefined;

/** Bundles the verify page with the browser's cryptography, once for this process: a fifth of a second. */
export function verifyPage(): Promise<VerifyPage> {
  built ??= bundle().catch((error) => {
    built = undefined;
    throw error;
  });
  return built;
}

/** Writes the verify page to a file, which works from disk without any server. */
export async function buildVerifyPage(outFile: string): Promise<void> {
  await writeFile(outFile, (await verifyPage()).html);
}

async function bundle(): Promise<VerifyPage> {
  const code = await browserScript(join(SOURCE, 'page.ts'));
  // What ends a script element may stand in a string.
  const script = code.replaceAll('</script', '<\\/script');
  const [template, style] = await Promise.all([
    readFile(join(SOURCE, 'page.html'), 'utf8'),
    readFile(join(SOURCE, 'page.css'), 'utf8'),
  ]);
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  const html = [
    ['<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">', metaOf(policy)],
    ['<style></style>', `<style>${style}</style>`],
    ['<script></script>', `<script>${script}</script>`],
  ].reduce((page, [place, content]) => filled(page, place as string, content as string), template);
  return { html, policy: `${policy}; frame-ancestors 'none'` };
}

function metaOf(policy: string): string {
  return `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
}

/** A page without one of its parts would load, and do nothing. */
function filled(page: string, place: string, content: string): string {
  const [before, after, ...more] = page.split(place);
  if (after === undefined || more.length > 0) throw new Error(`page.html needs ${place} once`);
  return before + content + after;
}

/** Source expression of an inline element (CSP Level 3 §2.3.1). */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
