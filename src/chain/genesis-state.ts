import { EMPTY_LOG_ROOT } from '../state/log-proof.ts';
import { createMemoryStore } from '../state/memory-store.ts';
import { createOverlay } from '../state/overlay.ts';
import type { KvReader } from '../state/store.ts';
import { readTreeRoot } from '../state/tree.ts';
import type { StateWriter } from '../state/typed-map.ts';
import { createStateWriter } from '../state/typed-state.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { canonicalText, type JsonObject } from '../std/canonical-json.ts';
import { reject } from './codes.ts';
import { cometBftOperator, type Genesis, genesisHash } from './genesis.ts';
import { commitTree, readHead, readTimeMs, sealBlock } from './head-store.ts';
import type { Executed } from './kernel-api.ts';
import type { Registry } from './registry.ts';
import { readActivations, rules } from './rules.ts';
import { noteValidators, validators } from './validators.ts';

/**
 * Throws Reject GENESIS_MALFORMED unless the software has every rule that genesis activates, and each section belongs
 * to a capability that is active from the start, and the state does not go on from another ledger: a section that nobody reads would be a promise nobody keeps.
 */
export function requireKnownRules({ previous, sections }: Genesis, registry: Registry): void {
  for (const { capability, version } of sections.chain.rules) {
    if (!registry.has(capability, version)) throw reject('GENESIS_MALFORMED', { capability, version });
  }
  for (const capability of Object.keys(sections).sort()) {
    const isActive = sections.chain.rules.some((rule) => rule.capability === capability);
    const isRead = isActive && previous?.treeRoot === undefined;
    if (capability !== 'chain' && !isRead) throw reject('GENESIS_MALFORMED', { section: capability });
  }
}

/**
 * Block 0: rule activations, each active capability's section, capabilities in byte order, and the validators. It has
 * no leaf. A moved ledger's block 0 has the height and the log of the old one's last head; its host brings the log's
 * tiles along, and the whole state where that goes on: then genesis adds validators and newer rules to it.
 */
export function executeGenesis(genesis: Genesis, registry: Registry, carried?: KvReader): Executed {
  const previous = genesis.previous?.head;
  const base = genesis.previous?.treeRoot === undefined ? createMemoryStore() : requireCarried(genesis, carried);
  const overlay = createOverlay(base);
  const state = createStateWriter(overlay);
  if (genesis.previous?.treeRoot === undefined) beginState(state, genesis, registry);
  else activateRules(state, genesis, registry);
  for (const [[account]] of state.entries(validators, [])) state.delete(validators, [account]);
  for (const { account, ...record } of cometBftOperator(genesis.operator)?.validators ?? [])
    state.set(validators, [account], record);
  const validatorUpdates = noteValidators(state, previous?.height ?? 0);
  const tree = commitTree(base, overlay);
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
  return { ...sealed, outcomes: [], leaves: [], validatorUpdates };
}

function beginState(state: StateWriter, { sections }: Genesis, registry: Registry): void {
  state.set(rules, ['chain'], [{ version: 1, fromHeight: 0 }]);
  for (const { capability, version } of sections.chain.rules) {
    state.set(rules, [capability], [{ version, fromHeight: 0 }]);
  }
  for (const contract of registry.contracts) {
    if (!sections.chain.rules.some(({ capability }) => capability === contract.name)) continue;
    contract.genesis?.(state, sections[contract.name] ?? ({} satisfies JsonObject));
  }
}

/** Rules of a state that goes on stay as they were voted; genesis may bring newer ones into force with block 0. */
function activateRules(state: StateWriter, { previous, sections }: Genesis, registry: Registry): void {
  const height = previous?.head.height ?? 0;
  for (const { capability, version } of sections.chain.rules) {
    const list = state.get(rules, capability) ?? [];
    const last = list.at(-1);
    if (last?.version === version) continue;
    if (last !== undefined && (last.fromHeight >= height || last.version > version))
      throw reject('GENESIS_MALFORMED', { capability, version });
    state.set(rules, [capability], [...list, { version, fromHeight: height }]);
  }
  registry.inForce(readActivations(state), height + 1);
}

/** The store of the old ledger at the head that genesis names, its tree the one that this head committed to. */
function requireCarried({ createdMs, previous }: Genesis, carried: KvReader | undefined): KvReader {
  if (carried === undefined) throw reject('GENESIS_STATE_MISSING');
  const head = readHead(carried);
  const isSame =
    head !== undefined &&
    canonicalText(head) === canonicalText(previous?.head ?? {}) &&
    bytesToHex(readTreeRoot(carried)) === previous?.treeRoot;
  if (!isSame) throw reject('GENESIS_STATE_DIFFERS');
  // Block time goes on: else permits would live again, and the window against replay would not cover what it must.
  if (createdMs < (readTimeMs(carried) ?? 0)) throw reject('GENESIS_MALFORMED', { createdMs });
  return carried;
}
