import { escapeHtml } from '../../std/escape-html.ts';
import type { AllowedApp } from './allowed-apps.ts';
import { page } from './pages.ts';
import { describeScope } from './scope-words.ts';

/** An app with the name that people know it by. */
export type NamedApp = AllowedApp & { readonly client_name: string };

interface AccountPageFacts {
  /** Path of the page. */
  readonly at: string;
  readonly who: string;
  readonly organisation: string;
  readonly apps: readonly NamedApp[];
}

/** The page on which people see what they allowed, end it, and sign out. */
export function accountPage({ at, who, organisation, apps }: AccountPageFacts): string {
  return page(
    'Your apps and sign-ins',
    `<h1>Your apps and sign-ins</h1><p>at ${escapeHtml(organisation)}, signed in as <strong>${escapeHtml(who)}</strong></p>
${apps.length === 0 ? '<section><p>No app may act for you.</p></section>' : apps.map((app) => appSection(at, app)).join('')}
<section><h2>This browser</h2><form method="post" action="${escapeHtml(at)}/sign-out">
<div class="row"><button class="plain">Sign out</button></div></form></section>
<section><h2>Everywhere</h2><p>Ends what every app may do, every sign-in in any browser, and every token that the organisation
gave you, your wallet’s too. Do this when something was lost or stolen.</p>
<form method="post" action="${escapeHtml(at)}/sign-out-everywhere"><div class="row"><button>End all and sign out everywhere</button></div></form></section>`,
  );
}

function appSection(at: string, { client_id: id, client_name: name, scopes, sinceMs, usedMs }: NamedApp): string {
  const used = usedMs === undefined ? '' : `, last used ${timeText(usedMs)}`;
  const lines = scopes.map(
    (scope) => `<li>${escapeHtml(describeScope(scope).words)} <small>${escapeHtml(scope)}</small></li>`,
  );
  return `<section><h2>${escapeHtml(name)}</h2><p>allowed ${timeText(sinceMs)}${used}</p><ul>${lines.join('')}</ul>
<form method="post" action="${escapeHtml(at)}/apps/end"><input type="hidden" name="client_id" value="${escapeHtml(id)}">
<div class="row"><button class="plain">End this</button></div></form></section>`;
}

/** The page for somebody who is not signed in, of a node with several organisations. `href` is HTML. */
export function organisationsPage(organisations: readonly { readonly name: string; readonly href: string }[]): string {
  const links = organisations.map(
    ({ name, href }) => `<div class="row"><a class="button" href="${escapeHtml(href)}">${escapeHtml(name)}</a></div>`,
  );
  return page(
    'Your apps and sign-ins',
    `<h1>Your apps and sign-ins</h1><p>Sign in to see which apps you allowed, and to end that.</p><section>${links.join('')}</section>`,
  );
}

export function signedOutPage(at: string): string {
  return page(
    'Signed out',
    `<h1>You are signed out</h1><p>You can close this page.</p><p><a href="${escapeHtml(at)}">Sign in again</a></p>`,
  );
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
