import { createHash } from 'node:crypto';
import { escapeHtml } from '../std/escape-html.ts';

/** What the node's page tells. Nothing of it is secret. */
export interface NodePageFacts {
  readonly version: string;
  readonly genesis: string;
  readonly status: string;
  readonly height: number;
  readonly organisations: readonly { readonly name: string; readonly account: string }[];
}

const STYLE = `:root{color-scheme:light dark;--ink:#17211c;--quiet:#5a665f;--line:#d9dfdb;--accent:#0b6b4f;--page:#f6f7f5;--card:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e8eeea;--quiet:#9aa8a0;--line:#2c3530;--accent:#5bd6a6;--page:#0e1411;--card:#161d19}}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.75rem;margin:0}p,dt{color:var(--quiet)}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem;margin:1rem 0}
h2{font-size:1rem;margin:0 0 .5rem}ul{margin:0;padding:0;list-style:none}li{padding:.25rem 0}
a{color:var(--accent)}code{font-size:.8125rem;overflow-wrap:anywhere;color:var(--quiet)}`;

/** Content-Security-Policy of the page: this very style and nothing else. */
export const NODE_PAGE_POLICY = `default-src 'none'; frame-ancestors 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

const LINKS = [
  ['/verify', 'Check a receipt', 'in this browser, without asking any server'],
  ['/fhir/metadata', 'FHIR R4', 'what the API offers; charts need a token'],
  ['/health', 'Health', 'whether the ledger moves'],
] as const;

/** The page that people see who open the node's address in a browser. */
export function nodePage({ version, genesis, status, height, organisations }: NodePageFacts): string {
  const members = organisations.map(({ name, account }) => `<li>${escapeHtml(name)}<br><code>${account}</code></li>`);
  const links = LINKS.map(([path, name, what]) => `<li><a href="${path}">${name}</a>: ${what}</li>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Aceso</title><style>${STYLE}</style></head><body><main><h1>Aceso</h1>
<p>Health records that patients decide on, with receipts that anyone checks offline. Version ${escapeHtml(version)}.</p>
<section><h2>Here</h2><ul>${links.join('')}</ul></section>
<section><h2>Organisations on this node</h2><ul>${members.join('')}</ul></section>
<section><h2>Ledger</h2><p>${escapeHtml(status)}, at height ${height}</p><code>${genesis}</code></section>
</main></body></html>`;
}
