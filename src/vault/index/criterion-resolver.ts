import { setImmediate } from 'node:timers/promises';
import { reject } from '../codes.ts';
import { outermost } from './criterion-sql.ts';
import type { HashKind, IndexHash, Scope } from './index-hash.ts';
import type { Criterion } from './index-query.ts';
import type { ScopeFinder, Scopes } from './index-scopes.ts';
import type { Names, Resolved } from './resolved-criterion.ts';
import type { RidFinder } from './rid-finder.ts';
import type { Dialect } from './sql-dialect.ts';
import type { TextCandidates } from './text-candidates.ts';
import { startToSeek } from './text-prefixes.ts';

/**
 * Bounds of one query, all levels together: criteria and ranges (SQLite takes expressions 1,000 deep and 500 selects of
 * a union), how deep they nest, how many chains lead on from each other (each doubles the SQL where there are protected
 * resources), and hashes that it makes.
 */
const MAX_CRITERIA = 400;
const MAX_DEPTH = 8;
const MAX_CHAIN = 3;
const MAX_HASHES = 50_000;
const HASHES_BETWEEN_OTHER_WORK = 1000;

/** What a query has used of its bounds. */
export interface Effort {
  criteria: number;
  hashes: number;
}

/** How deep a list of criteria stands, and how many chains lead to it. */
interface Depth {
  readonly nested: number;
  readonly chain: number;
}

const OUTERMOST: Depth = { nested: 0, chain: 0 };

export interface CriterionResolver {
  /** Criteria that resources of a type must all meet, with everything looked up. Rejects TOO_COSTLY. */
  resolve(type: string, criteria: readonly Criterion[], effort: Effort): Promise<readonly Resolved[]>;
  /** Names of a parameter's ordinals under all scopes that resources of the type may be under. */
  ordinalNames(type: string, parameter: string, criteria: readonly Criterion[], effort: Effort): Promise<Names>;
}

export interface ResolverParts {
  readonly dialect: Dialect;
  readonly scopes: ScopeFinder;
  readonly hash: IndexHash;
  readonly rids: RidFinder;
  readonly candidates: TextCandidates;
}

export function createCriterionResolver(parts: ResolverParts): CriterionResolver {
  const { dialect, hash, rids, candidates } = parts;

  /** Resolves the criteria of one list; `siblings` are those of it that are resolved already. */
  function level(type: string, criteria: readonly Criterion[], effort: Effort, at: Depth) {
    let found: Promise<Scopes> | undefined;
    const scopes = () => {
      found ??= parts.scopes.scopesOf(type, criteria);
      return found;
    };

    async function hashed(kind: HashKind, values: readonly (readonly [string, string?])[]): Promise<Names> {
      const { shared, own } = await scopes();
      return hashAll(shared, own, type, kind, values);
    }

    async function hashAll(
      shared: readonly Scope[],
      own: readonly Scope[],
      of: string,
      kind: HashKind,
      values: readonly (readonly [string, string?])[],
    ): Promise<Names> {
      effort.hashes += (shared.length + own.length) * values.length;
      if (effort.hashes > MAX_HASHES) throw reject('TOO_COSTLY', { maxHashes: MAX_HASHES });
      const under = async (keys: readonly Scope[]) => {
        const hashes: Uint8Array[] = [];
        for (const scope of keys) {
          for (const [parameter, value] of values) {
            hashes.push(hash(scope, kind, of, parameter, value));
            if (hashes.length % HASHES_BETWEEN_OTHER_WORK === 0) await setImmediate();
          }
        }
        return hashes;
      };
      return { shared: await under(shared), own: await under(own) };
    }

    async function text(
      { parameter, match, values }: Extract<Criterion, { kind: 'text' }>,
      siblings: readonly Resolved[],
    ): Promise<Resolved> {
      if (match === 'exact')
        return {
          kind: 'token',
          ...(await hashed(
            'exact',
            values.map((value) => [parameter, value]),
          )),
        };
      if (values.includes('')) return { kind: 'token', ...(await hashed('hasText', [[parameter]])) };
      if (match === 'contains') {
        const some: Resolved = { kind: 'token', ...(await hashed('hasText', [[parameter]])) };
        return opened(parameter, [some, ...siblings], (folded) => values.some((value) => folded.includes(value)));
      }
      const sought = values.map((value) => ({ value, ...(startToSeek(value) as { start: string; whole: boolean }) }));
      const [whole, rest] = [sought.filter((one) => one.whole), sought.filter((one) => !one.whole)];
      const starts = async (some: typeof sought): Promise<Resolved> => ({
        kind: 'token',
        ...(await hashed(
          'starts',
          some.map(({ start }) => [parameter, start]),
        )),
      });
      if (rest.length === 0) return starts(whole);
      const looked = await opened(parameter, [await starts(rest), ...siblings], (folded) =>
        rest.some(({ value }) => folded.startsWith(value)),
      );
      return whole.length === 0 ? looked : { kind: 'any', of: [await starts(whole), looked] };
    }

    /** The resources, of those that meet `nodes`, that have a text of the parameter that passes. */
    async function opened(
      parameter: string,
      nodes: readonly Resolved[],
      passes: (folded: string) => boolean,
    ): Promise<Resolved> {
      const found = await candidates.of(outermost(dialect, type), nodes);
      const matching = found.filter(({ texts }) =>
        texts.some(([name, folded]) => name === parameter && passes(folded)),
      );
      return { kind: 'rids', rids: matching.map(({ rid }) => rid) };
    }

    async function linkedBy({ parameters, sources }: Extract<Criterion, { kind: 'linked-by' }>): Promise<Resolved> {
      const names: Uint8Array[] = [];
      for (const of of new Set(sources.map((source) => source.type))) {
        const accounts = sources.filter((source) => source.type === of).map((source) => source.account);
        const { shared, own } = await parts.scopes.scopesFor(accounts);
        const some = await hashAll(
          shared,
          own,
          of,
          'link',
          parameters.map((parameter) => [parameter]),
        );
        names.push(...some.shared, ...some.own);
      }
      const found = await Promise.all(sources.map(({ type: of, id }) => rids.find(of, id)));
      const positions = sources.map((source) => source.generation * 2 ** 32 + source.journalIndex);
      return { kind: 'linked-by', names, sources: found.filter((rid) => rid !== undefined), positions };
    }

    async function has({ of, parameter }: Extract<Criterion, { kind: 'has' }>): Promise<Resolved> {
      if (of === 'token') return { kind: 'token', ...(await hashed('token', [[':has', parameter]])) };
      if (of === 'text') return { kind: 'token', ...(await hashed('hasText', [[parameter]])) };
      if (of === 'link') return { kind: 'link', targets: undefined, ...(await hashed('link', [[parameter]])) };
      return { kind: 'ordinal', ranges: [{ tests: [], ...(await hashed('ordinal', [[parameter]])) }] };
    }

    async function one(criterion: Criterion, siblings: readonly Resolved[], nested: number): Promise<Resolved> {
      effort.criteria += criterion.kind === 'ordinal' ? criterion.ranges.flatMap(({ tests }) => tests).length + 1 : 1;
      if (effort.criteria > MAX_CRITERIA) throw reject('TOO_COSTLY', { maxCriteria: MAX_CRITERIA });
      if (nested > MAX_DEPTH || at.chain > MAX_CHAIN) throw reject('TOO_COSTLY', { maxChain: MAX_CHAIN });
      switch (criterion.kind) {
        case 'token':
          return {
            kind: 'token',
            ...(await hashed(
              'token',
              criterion.tokens.map(({ parameter, value }) => [parameter, value]),
            )),
          };
        case 'ordinal': {
          const ranges = criterion.ranges.map(async ({ parameter, tests }) => ({
            ...(await hashed('ordinal', [[parameter]])),
            tests,
          }));
          return { kind: 'ordinal', ranges: await Promise.all(ranges) };
        }
        case 'link': {
          const targets = await Promise.all(criterion.targets.map((target) => rids.find(target.type, target.id)));
          const names = await hashed('link', [[criterion.parameter]]);
          return { kind: 'link', targets: targets.filter((rid) => rid !== undefined), ...names };
        }
        case 'linked-by':
          return linkedBy(criterion);
        case 'text':
          return text(criterion, siblings);
        case 'has':
          return has(criterion);
        case 'id':
        case 'account':
          return criterion;
        case 'chain':
        case 'reverse': {
          const { kind, parameter, type: other } = criterion;
          const of = await resolve(other, criterion.criteria, effort, { nested: nested + 1, chain: at.chain + 1 });
          if (kind === 'chain') return { kind, type: other, of, ...(await hashed('link', [[parameter]])) };
          const { shared, own } = await parts.scopes.scopesOf(other, criterion.criteria);
          return { kind, type: other, of, ...(await hashAll(shared, own, other, 'link', [[parameter]])) };
        }
        case 'not':
          return { kind: 'not', of: await one(criterion.of, siblings, nested + 1) };
        case 'any': {
          const of: Resolved[] = [];
          for (const each of criterion.of) of.push(await one(each, siblings, nested + 1));
          return { kind: 'any', of };
        }
      }
    }

    return {
      one: (criterion: Criterion, siblings: readonly Resolved[]) => one(criterion, siblings, at.nested),
      hashed,
    };
  }

  async function resolve(
    type: string,
    criteria: readonly Criterion[],
    effort: Effort,
    at: Depth = OUTERMOST,
  ): Promise<readonly Resolved[]> {
    const { one } = level(type, criteria, effort, at);
    const resolved: Resolved[] = [];
    // Those that open texts come last: the others narrow whose texts are opened.
    for (const criterion of criteria) if (!opensTexts(criterion, 0)) resolved.push(await one(criterion, []));
    const siblings = [...resolved];
    for (const criterion of criteria) if (opensTexts(criterion, 0)) resolved.push(await one(criterion, siblings));
    return resolved;
  }

  return {
    resolve: (type, criteria, effort) => resolve(type, criteria, effort),
    ordinalNames: (type, parameter, criteria, effort) =>
      level(type, criteria, effort, OUTERMOST).hashed('ordinal', [[parameter]]),
  };
}

/** Chains open the texts of other resources, which those beside them do not narrow. */
function opensTexts(criterion: Criterion, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (criterion.kind === 'not') return opensTexts(criterion.of, depth + 1);
  if (criterion.kind === 'any') return criterion.of.some((one) => opensTexts(one, depth + 1));
  if (criterion.kind !== 'text' || criterion.match === 'exact') return false;
  return criterion.match === 'contains' || criterion.values.some((value) => startToSeek(value)?.whole !== true);
}
