import { compareKeys } from '../state/memory-store.ts';
import type { Contract, MessageRule, RuleSet } from './contract.ts';
import { RulesMissing } from './fault.ts';
import { type RuleActivation, versionAt } from './rules.ts';

/** Versions of the kernel's own rules (dispatch, costs, budgets) that this software has. */
export const CHAIN_RULE_VERSIONS: readonly number[] = [1];

/** Activations by capability, as state lists them. */
export type Activations = readonly (readonly [capability: string, list: readonly RuleActivation[]])[];

/** A named read for clients. */
export type Query = NonNullable<Contract['queries']>[string];

/** Message rules in force at some height, by message type. */
export type RulesInForce = ReadonlyMap<string, MessageRule>;

/** The contracts of this software, by what is asked of them. */
export interface Registry {
  /** In byte order of their names. */
  readonly contracts: readonly Contract[];
  /** True when the software has these rules. */
  has(capability: string, version: number): boolean;
  /** True when some version of some contract declares the message type. Never part of an outcome. */
  isDeclared(type: string): boolean;
  /** Rules in force at `height`. Throws RulesMissing when the software lacks one. */
  inForce(activations: Activations, height: number): RulesInForce;
  /** The rules in force at `height`, by contract: the others do not exist yet, whatever the software has. */
  active(activations: Activations, height: number): readonly { readonly name: string; readonly rules: RuleSet }[];
  /** A query by its full name. */
  query(name: string): Query | undefined;
}

/** Throws TypeError when contracts share a name, a map or a message type: a fault of composition. */
export function createRegistry(given: readonly Contract[]): Registry {
  const contracts = [...given].sort((a, b) => compareKeys(a.name, b.name));
  const declared = checkContracts(contracts);
  const queries = new Map(contracts.flatMap((contract) => entriesInOrder(contract.queries ?? {})));
  // Rebuilt only when an activation takes effect.
  let cached: { readonly key: string; readonly rules: RulesInForce } = { key: '', rules: new Map() };

  const contractOf = (capability: string): Contract | undefined => contracts.find(({ name }) => name === capability);
  const has = (capability: string, version: number): boolean =>
    capability === 'chain'
      ? CHAIN_RULE_VERSIONS.includes(version)
      : contractOf(capability)?.ruleSets.some((set) => set.version === version) === true;

  return {
    contracts,
    has,
    active(activations, height) {
      const byName = new Map(activations.map(([capability, list]) => [capability, versionAt(list, height)]));
      return contracts.flatMap(({ name, ruleSets }) => {
        const rules = ruleSets.find(({ version }) => version === byName.get(name));
        return rules === undefined ? [] : [{ name, rules }];
      });
    },
    query: (name) => queries.get(name),
    isDeclared: (type) => declared.has(type),
    inForce(activations, height) {
      const versions: (readonly [string, number])[] = [];
      for (const [capability, list] of activations) {
        const version = versionAt(list, height);
        if (version === undefined) continue;
        if (!has(capability, version)) throw new RulesMissing(capability, version);
        versions.push([capability, version]);
      }
      const key = versions.map(([capability, version]) => `${capability}/${version}`).join(' ');
      if (key !== cached.key) cached = { key, rules: collect(versions, contractOf) };
      return cached.rules;
    },
  };
}

function collect(
  versions: readonly (readonly [string, number])[],
  contractOf: (name: string) => Contract | undefined,
): RulesInForce {
  const rules = new Map<string, MessageRule>();
  for (const [capability, version] of versions) {
    const set = contractOf(capability)?.ruleSets.find((one) => one.version === version);
    for (const [type, rule] of entriesInOrder(set?.messages ?? {})) rules.set(type, rule);
  }
  return rules;
}

/** Message types declared by any version. */
function checkContracts(contracts: readonly Contract[]): ReadonlySet<string> {
  const owners = new Map<string, string>();
  const claim = (what: string, owner: string): void => {
    const other = owners.get(what);
    if (other !== undefined && other !== owner) throw new TypeError(`${what} belongs to ${other} and to ${owner}`);
    owners.set(what, owner);
  };
  const types = new Set<string>();
  for (const [at, { name, maps, queries, ruleSets }] of contracts.entries()) {
    if (name === 'chain') throw new TypeError('the name chain is the kernel’s own');
    claim(`contract ${name}`, `${name}#${at}`);
    for (const map of maps) claim(`map ${map.name}`, name);
    for (const query of entriesInOrder(queries ?? {}).map(([query]) => query)) claim(`query ${query}`, name);
    if (new Set(ruleSets.map(({ version }) => version)).size !== ruleSets.length)
      throw new TypeError(`${name} has a rule version twice`);
    for (const type of ruleSets.flatMap(({ messages }) => entriesInOrder(messages).map(([type]) => type))) {
      claim(`message ${type}`, name);
      types.add(type);
    }
  }
  return types;
}

/** Members of a record by byte order of their names. */
function entriesInOrder<T>(record: Readonly<Record<string, T>>): [name: string, value: T][] {
  return Object.keys(record)
    .sort()
    .map((name) => [name, record[name] as T]);
}
