import type { EngineRpc } from './engine-rpc.ts';

/**
 * Has the engine dial those of `peers` (`<node id>@HOST:PORT`) that it is not connected to. Alone it tries for about
 * two minutes, then after 3, 9, 27, … seconds up to 16 hours (p2p/switch.go, reconnectToPeer), so that after an hour's
 * cut a network would stand still for most of another. Throws as `rpc.call`.
 */
export async function dialMissingPeers(rpc: EngineRpc, peers: readonly string[]): Promise<void> {
  if (peers.length === 0) return;
  const connected = new Set(await rpc.peers());
  const missing = peers.filter((peer) => !connected.has(peer.split('@')[0] as string));
  if (missing.length > 0) {
    await rpc.call('dial_peers', { peers: missing, persistent: false, unconditional: false, private: false });
  }
}
