/** Names of the machine itself, as the authorization server takes them (RFC 8252 §7.3). */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
/** A domain name turned round, so that two apps do not take the same one (RFC 8252 §7.1). */
const PRIVATE_USE = /^[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:$/;
/** Nothing that is shown as something else than it is. */
const PLAIN = /^[\x21-\x7e]+$/;

/**
 * What is wrong with a redirect URI; undefined when nothing is. It is compared as it stands (RFC 9700 §4.1.3), so it must
 * stand there as everybody reads it: the text is what a parser makes of it (WHATWG URL). `https`, or what only programs on
 * the user's own machine answer: `http` on a loopback address, and private-use schemes with a dot.
 */
export function redirectFault(uri: string): string | undefined {
  if (uri.includes('*')) return 'patterns are not taken';
  const url = URL.parse(uri);
  if (url === null || !PLAIN.test(uri) || url.username !== '' || url.password !== '') return 'not a plain address';
  // Also that of an empty fragment, which a parser leaves.
  if (uri.includes('#')) return 'fragments are not taken';
  if (url.href !== uri) return `write it as ${url.href}`;
  if (url.protocol === 'https:' || isLoopback(url) || PRIVATE_USE.test(url.protocol)) return undefined;
  return 'https, or http on a loopback address, or a private-use scheme with a dot in it';
}

/** Whether it is one of a native app, of which a loopback address is taken with any port (RFC 8252 §7.3). */
export function isNative(uri: string): boolean {
  return !uri.startsWith('https:');
}

/** The same for where an EHR launches an app: a page, and not in plain text over a network. */
export function launchFault(uri: string): string | undefined {
  return (
    redirectFault(uri) ?? (PRIVATE_USE.test(new URL(uri).protocol) ? 'https, or http on a loopback address' : undefined)
  );
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && LOOPBACK.has(hostname);
}
