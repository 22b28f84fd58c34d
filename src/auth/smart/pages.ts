import { createHash } from 'node:crypto';
import { escapeHtml } from '../../std/escape-html.ts';
import { describeScope, type ScopeLine } from './scope-words.ts';

/*
 * The authorization server's pages: plain forms that work without a script, but for signing in with a passkey. One
 * style, and a policy that lets nothing else in and frames by nobody.
 */

const STYLE = `:root{color-scheme:light dark;--ink:#17211c;--quiet:#5a665f;--line:#d9dfdb;--accent:#0b6b4f;--on:#fff;--page:#f6f7f5;--card:#fff;--bad:#a3291c}
@media(prefers-color-scheme:dark){:root{--ink:#e8eeea;--quiet:#9aa8a0;--line:#2c3530;--accent:#5bd6a6;--on:#0e1411;--page:#0e1411;--card:#161d19;--bad:#ff9c8f}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:30rem;margin:0 auto;padding:2rem 1rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1rem;margin:0 0 .5rem}p{margin:.25rem 0 1rem;color:var(--quiet)}p strong{color:var(--ink)}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem;margin:1rem 0}
ul{margin:0;padding:0;list-style:none}li{padding:.375rem 0}label{display:flex;gap:.625rem;align-items:flex-start}
label small{display:block;color:var(--quiet);overflow-wrap:anywhere}
input[type=checkbox],input[type=radio]{width:1.125rem;height:1.125rem;margin:.2rem 0 0;flex:none;accent-color:var(--accent)}
input[type=search],textarea{width:100%;font:inherit;padding:.5rem .75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--page);color:var(--ink)}
textarea{font:.8125rem/1.4 ui-monospace,monospace;min-height:6rem}.row{display:flex;gap:.75rem;flex-wrap:wrap;margin-top:1rem}
button{font:inherit;font-weight:600;min-height:2.75rem;padding:.5rem 1.25rem;border-radius:.5rem;border:1px solid var(--accent);background:var(--accent);color:var(--on);cursor:pointer;flex:1}
a.button{font-weight:600;min-height:2.75rem;padding:.5rem 1.25rem;border-radius:.5rem;border:1px solid var(--accent);background:var(--accent);color:var(--on);text-align:center;text-decoration:none;flex:1}
button.plain{background:transparent;color:var(--ink);border-color:var(--line)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:.75rem/1.4 ui-monospace,monospace;background:var(--page);padding:.75rem;border-radius:.5rem}
.bad{color:var(--bad)}summary{cursor:pointer;font-weight:600}`;
const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

/**
 * Content-Security-Policy of a page whose form leads to `targets` in the end: a browser holds redirects of a form
 * against it too. `scripts` says that the page has one of this origin.
 */
export function pagePolicy(targets: readonly string[], { scripts = false } = {}): string {
  const parts = [
    "default-src 'none'",
    `style-src ${STYLE_HASH}`,
    `form-action 'self'${targets.map((one) => ` ${one}`).join('')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    ...(scripts ? ["script-src 'self'", "connect-src 'self'"] : []),
  ];
  return parts.join('; ');
}

/** A whole page; `body` and `head` are HTML. */
export function page(title: string, body: string, head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style>${head}</head><body><main>${body}</main></body></html>`;
}

export function errorPage(error: string, description?: string): string {
  return page(
    'Aceso: sign-in stopped',
    `<h1>This sign-in was stopped</h1><p>The app’s request was not one that this server takes. Nothing was shared.
Tell whoever runs the app:</p><section><p><strong>${escapeHtml(error)}</strong></p><p>${escapeHtml(description ?? '')}</p></section>`,
  );
}

export interface SignInPageFacts {
  readonly uid: string;
  readonly base: string;
  readonly appName: string;
  readonly organisation: string;
  /** What a wallet signs. */
  readonly statement: string;
  /** OpenID providers of the organisation. */
  readonly providers?: readonly { readonly id: string; readonly name: string }[];
  /** A sentence about what went wrong before. */
  readonly fault?: string;
}

/** The page on which a person says who they are. */
export function signInPage(facts: SignInPageFacts): string {
  const { uid, base, appName, organisation, statement, providers = [], fault } = facts;
  const at = `${base}/interaction/${uid}`;
  return page(
    `Sign in to ${organisation}`,
    `<h1>Sign in to ${escapeHtml(organisation)}</h1><p>to go on to <strong>${escapeHtml(appName)}</strong></p>
<p class="bad" role="alert" id="fault">${escapeHtml(fault ?? '')}</p>
<section><h2>Passkey</h2><p>With this device’s fingerprint, face or PIN, or a security key.</p>
<div class="row"><button type="button" id="passkey" data-interaction="${escapeHtml(at)}">Sign in with a passkey</button></div></section>
${providers.length === 0 ? '' : `<section><h2>Your organisation’s sign-in</h2>${providers.map((one) => providerLink(at, one)).join('')}</section>`}
<section><details><summary>Sign in with a patient’s wallet</summary>
<p>Sign this text with your wallet (<code>aceso sign-in</code>) and paste what it gives you.</p><pre id="statement">${escapeHtml(statement)}</pre>
<form method="post" action="${escapeHtml(at)}/wallet"><textarea name="signed" required maxlength="4096" aria-label="Signed text" spellcheck="false" autocomplete="off"></textarea>
<div class="row"><button>Sign in with the wallet</button></div></form></details></section>
<form method="post" action="${escapeHtml(at)}/abort"><div class="row"><button class="plain">Back to the app</button></div></form>
<p><a href="${escapeHtml(base)}/account">What you have allowed to apps</a></p>`,
    `<script src="${escapeHtml(base)}/sign-in.js" defer></script>`,
  );
}

function providerLink(at: string, { id, name }: { readonly id: string; readonly name: string }): string {
  return `<div class="row"><a class="button" href="${escapeHtml(at)}/external/${escapeHtml(id)}">Sign in with ${escapeHtml(name)}</a></div>`;
}

export interface PatientChoice {
  readonly id: string;
  /** Name and what tells two of a name apart; shown to somebody who may see it. */
  readonly label: string;
}

export interface ConsentPageFacts {
  readonly uid: string;
  readonly base: string;
  readonly appName: string;
  readonly organisation: string;
  readonly who: string;
  readonly scopes: readonly string[];
  /** Undefined where no patient is to be chosen, or the launch says which. */
  readonly patients?: readonly PatientChoice[];
  readonly search?: string;
  readonly fixedPatient?: PatientChoice;
  readonly fault?: string;
  /** Offers a passkey for the next time: the person has just signed in with a wallet. */
  readonly canAddPasskey: boolean;
}

/** The page on which a person says what the app may do, and for which patient. */
export function consentPage(facts: ConsentPageFacts): string {
  const {
    uid,
    base,
    appName,
    organisation,
    who,
    scopes,
    patients,
    search = '',
    fixedPatient,
    fault,
    canAddPasskey,
  } = facts;
  const at = `${base}/interaction/${uid}`;
  const lines = scopes.map(describeScope);
  return page(
    `Allow ${appName}?`,
    `<h1>Allow ${escapeHtml(appName)}?</h1><p>at ${escapeHtml(organisation)}, signed in as <strong>${escapeHtml(who)}</strong></p>
<p class="bad" role="alert" id="fault">${escapeHtml(fault ?? '')}</p>
${patients === undefined ? '' : patientSearch(at, search)}
<form method="post" action="${escapeHtml(at)}/consent">
${fixedPatient === undefined ? '' : `<section><h2>Patient</h2><p><strong>${escapeHtml(fixedPatient.label)}</strong></p></section>`}
${patients === undefined ? '' : patientList(patients, search)}
<section><h2>It asks to</h2><ul>${lines.map(scopeLine).join('')}</ul></section>
<p>Whatever you allow, the patient’s own consent decides on each record, and every look is written down.</p>
<div class="row"><button name="decision" value="allow">Allow</button></div></form>
<form method="post" action="${escapeHtml(at)}/abort"><div class="row"><button class="plain">Do not allow</button></div></form>
<section><h2>Not you?</h2><form method="post" action="${escapeHtml(at)}/sign-out"><div class="row"><button class="plain">Sign in as somebody else</button></div></form></section>
<p><a href="${escapeHtml(base)}/account">What you have allowed to apps</a></p>
${canAddPasskey ? passkeyOffer(at) : ''}`,
    canAddPasskey ? `<script src="${escapeHtml(base)}/add-passkey.js" defer></script>` : '',
  );
}

function passkeyOffer(at: string): string {
  return `<section><h2>Next time</h2><div id="passkey-ask"><p>Make a passkey on this device, and sign in without the wallet.</p>
<div class="row"><button type="button" class="plain" id="add-passkey" data-interaction="${escapeHtml(at)}">Make a passkey</button></div></div>
<p id="passkey-done" hidden>Done: from now on you can sign in with the passkey.</p></section>`;
}

function patientSearch(at: string, search: string): string {
  return `<section><h2>For which patient?</h2><form method="get" action="${escapeHtml(at)}">
<input type="search" name="search" value="${escapeHtml(search)}" maxlength="64" placeholder="Name" aria-label="Name of the patient" autofocus>
<div class="row"><button class="plain">Search</button></div></form></section>`;
}

function patientList(patients: readonly PatientChoice[], search: string): string {
  if (patients.length === 0) return search === '' ? '' : '<p>Nobody of that name whom you may see.</p>';
  const choices = patients.map(
    ({ id, label }, at) =>
      `<li><label><input type="radio" name="patient" value="${escapeHtml(id)}" required${at === 0 && patients.length === 1 ? ' checked' : ''}><span>${escapeHtml(label)}</span></label></li>`,
  );
  return `<section><ul>${choices.join('')}</ul></section>`;
}

function scopeLine({ scope, words, always }: ScopeLine): string {
  const box = `<input type="checkbox" name="scope" value="${escapeHtml(scope)}" checked${always ? ' disabled' : ''}>`;
  return `<li><label>${box}<span>${escapeHtml(words)}<small>${escapeHtml(scope)}</small></span></label></li>`;
}
