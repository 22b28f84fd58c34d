import { EMPTY_LOG_ROOT } from '../state/log-proof.ts';
import { createMemoryStore } from '../state/memory-store.ts';
import { createOverlay } from '../state/overlay.ts';
import { createStateWriter } from '../state/typed-state.ts';
import { hexToBytes } from '../std/bytes.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { reject } from './codes.ts';
import { type Genesis, genesisHash } from './genesis.ts';
import { commitTree, sealBlock } from './head-store.ts';
import type { Executed } from './kernel-api.ts';
import type { Registry } from './registry.ts';
import { rules } from './rules.ts';

/**
 * Throws Reject GENESIS_MALFORMED unless the software has every rule that genesis activates, and each section belongs
 * to a capability that is active from the start: a section that nobody reads would be a promise nobody keeps.
 */
export function requireKnownRules({ sections }: Genesis, registry: Registry): void {
  for (const { capability, version } of sections.chain.rules) {
    if (!registry.has(capability, version)) throw reject('GENESIS_MALFORMED', { capability, version });
  }
  for (const capability of Object.keys(sections).sort()) {
    const isActive = sections.chain.rules.some((rule) => rule.capability === capability);
    if (capability !== 'chain' && !isActive) throw reject('GENESIS_MALFORMED', { section: capability });
  }
}

/**
 * Block 0: rule activations, and each active capability's section, capabilities in byte order. It has no leaf. A moved
 * ledger's block 0 has the height and the log of the old one's last head; its host brings the log's tiles along.
 */
export function executeGenesis(genesis: Genesis, registry: Registry): Executed {
  const empty = createMemoryStore();
  const overlay = createOverlay(empty);
  const state = createStateWriter(overlay);
  state.set(rules, ['chain'], [{ version: 1, fromHeight: 0 }]);
  for (const { capability, version } of genesis.sections.chain.rules) {
    state.set(rules, [capability], [{ version, fromHeight: 0 }]);
  }
  for (const contract of registry.contracts) {
    if (!genesis.sections.chain.rules.some(({ capability }) => capability === contract.name)) continue;
    contract.genesis?.(state, genesis.sections[contract.name] ?? ({} satisfies JsonObject));
  }
  const previous = genesis.previous?.head;
  const tree = commitTree(empty, overlay);
  const sealed = sealBlock({
    genesis: genesisHash(genesis),
    block: { height: previous?.height ?? 0, timeMs: genesis.createdMs },
    treeRoot: tree.root,
    log: {
      size: previous?.logSize ?? 0,
      root: previous === undefined ? EMPTY_LOG_ROOT : (hexToBytes(previous.logRoot) as Uint8Array),
    },
    writes: [overlay.writes(), tree.writes],
  });
  return { ...sealed, outcomes: [], leaves: [] };
}
