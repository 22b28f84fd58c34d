/** A plain address of this machine alone, by name or by number, up to its port or path. */
const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)/;

/**
 * What `value` says behind `address` and a slash; undefined when it lies elsewhere. `address` is a node's own, without a
 * slash at its end. One on the loopback interface has three names, and each of them leads to the same node: what was
 * written below `http://127.0.0.1:8103` is still meant once the node calls itself `http://localhost:8103`.
 */
export function pathBelow(value: string, address: string): string | undefined {
  if (value.startsWith(`${address}/`)) return value.slice(address.length + 1);
  if (!value.startsWith('http://')) return undefined;
  const [named, own] = [LOOPBACK.exec(value)?.[0], LOOPBACK.exec(address)?.[0]];
  if (named === undefined || own === undefined) return undefined;
  const rest = `${address.slice(own.length)}/`;
  return value.startsWith(rest, named.length) ? value.slice(named.length + rest.length) : undefined;
}

/** Whether the host of an address to listen on is the loopback interface, where `localhost` leads. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '::1';
}
