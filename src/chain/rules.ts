import { type StateMap, type StateReader, stateMap } from '../state/typed-map.ts';

/** From `fromHeight` on, the capability's messages run by the rules of `version`. */
export type RuleActivation = { readonly version: number; readonly fromHeight: number };

/**
 * Activations by capability, ascending by height. Written by genesis and by the members' vote. The capability `chain`
 * is the kernel itself: what transactions cost and which checks they pass.
 */
export const rules: StateMap<readonly [capability: string], readonly RuleActivation[]> = stateMap('chain.rules', 1);

/** The version of an activation list that holds at `height`; undefined before the first. */
export function versionAt(activations: readonly RuleActivation[], height: number): number | undefined {
  let version: number | undefined;
  for (const activation of activations) if (activation.fromHeight <= height) version = activation.version;
  return version;
}

/** The rule version of a capability that holds at `height`; undefined when it has none yet. */
export function activeVersion(state: StateReader, capability: string, height: number): number | undefined {
  return versionAt(state.get(rules, capability) ?? [], height);
}

/** Every capability's activations, in byte order. */
export function readActivations(
  state: StateReader,
): (readonly [capability: string, activations: readonly RuleActivation[]])[] {
  return Array.from(state.entries(rules, []), ([[capability], activations]) => [capability, activations] as const);
}
