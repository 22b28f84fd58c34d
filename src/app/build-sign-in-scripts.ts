import { join } from 'node:path';
import { browserScript } from './browser-script.ts';

const WEB = join(import.meta.dirname, '../web');

const built = new Map<string, Promise<string>>();

/** Script of the page on which people sign in. */
export function signInScript(): Promise<string> {
  return script('sign-in');
}

/** Script of the page of an enrolment link. */
export function enrolScript(): Promise<string> {
  return script('enrol');
}

/** Script of the offer of a passkey to who signed in with a wallet. */
export function addPasskeyScript(): Promise<string> {
  return script('passkey-addition');
}

/** Bundled once for this process, when it is first asked for. */
function script(page: 'sign-in' | 'enrol' | 'passkey-addition'): Promise<string> {
  const known = built.get(page);
  if (known !== undefined) return known;
  const made = browserScript(join(WEB, page, 'page.ts')).catch((error) => {
    built.delete(page);
    throw error;
  });
  built.set(page, made);
  return made;
}
