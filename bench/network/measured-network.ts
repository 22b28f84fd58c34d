import { join } from 'node:path';
import { startAsked } from './asked-process.ts';
import { engineSettings, type NetworkPlan, VALIDATORS } from './four-validators.ts';

/** Four validators under way that are loaded from outside, through their engines. */
export interface MeasuredNetwork {
  /** Paths of the engines' RPC sockets. */
  readonly sockets: readonly string[];
  /** Applications and engines. */
  pids(): Promise<readonly number[]>;
  stop(): Promise<void>;
}

/** Four validators with the application that does nothing. */
export async function startNoOp(plan: NetworkPlan): Promise<MeasuredNetwork> {
  const places = Array.from({ length: VALIDATORS }, (_, at) => at);
  const nodes = places.map((at) => startAsked(new URL('./no-op-node.ts', import.meta.url), { plan, at }));
  return {
    sockets: places.map((at) => join(engineSettings(plan, at).socketFolder, 'rpc.sock')),
    async pids() {
      const engines = await Promise.all(nodes.map((node) => node.ask<number>('enginePid')));
      return [...nodes.map(({ pid }) => pid), ...engines];
    },
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}
