import { invalidValue, type SearchScope, unsupported } from './condition.ts';
import { linkName, tooLong, unknownParameter } from './parse-clause.ts';
import type { IncludeRule } from './search-clause.ts';
import { isFollowed, type SearchParameter, targetTypes } from './search-registry.ts';

const NAME = /^_(rev)?include(?::(iterate|recurse))?$/;

export function isInclude(name: string): boolean {
  return /^_(?:rev)?include(?:$|:)/.test(name);
}

/**
 * Rules of `_include` and `_revinclude` (R4 §3.1.1.5.4): `Type:parameter`, `Type:parameter:Target`, `Type:*`, and `*` for
 * all references of what is found. Names are those of the index. A wildcard of `_revinclude` becomes a rule for each
 * parameter, since the index asks for one at a time.
 */
export function parseInclude(scope: SearchScope, type: string, name: string, value: string): readonly IncludeRule[] {
  const form = NAME.exec(name);
  if (form === null) throw unsupported(name, 'a modifier other than iterate');
  const reverse = form[1] !== undefined;
  const iterate = form[2] !== undefined;
  if (value === '*' && !reverse) return [{ source: iterate ? '*' : type, parameter: '*', reverse, iterate }];
  const [source = '', code = '', target, ...others] = value.split(':');
  const parameters = scope.registry.ofType(source);
  if (parameters === undefined || code === '' || others.length > 0)
    throw invalidValue(name, 'Type:parameter or Type:parameter:Target');
  if (target !== undefined && scope.registry.ofType(target) === undefined)
    throw invalidValue(name, 'a resource type after the second colon');
  if (!reverse && !iterate && source !== type)
    throw invalidValue(name, `a parameter of ${type}; for others use ${name}:iterate`);
  if (code === '*' && !reverse)
    return [{ source, parameter: '*', ...(target === undefined ? {} : { target }), reverse, iterate }];
  const chosen = code === '*' ? [...parameters.values()].filter(isFollowed) : [oneOf(parameters, name, code)];
  const back = target ?? (iterate ? undefined : type);
  const rules = chosen.flatMap((parameter): IncludeRule[] => {
    const possible = targetTypes(scope.registry, parameter);
    const wanted = reverse ? back : target;
    if (wanted !== undefined && !possible.includes(wanted)) {
      if (code === '*') return [];
      throw invalidValue(name, `${code} to lead to ${wanted}, which it never does`);
    }
    const only = wanted ?? parameter.indexed.onlyType;
    return [
      { source, parameter: linkName(parameter), ...(only === undefined ? {} : { target: only }), reverse, iterate },
    ];
  });
  const distinct = new Map(rules.map((rule) => [`${rule.parameter} ${rule.target}`, rule]));
  if (distinct.size > scope.limits.includes) throw tooLong(name, scope.limits.includes);
  return [...distinct.values()];
}

function oneOf(parameters: ReadonlyMap<string, SearchParameter>, name: string, code: string): SearchParameter {
  const parameter = parameters.get(code);
  if (parameter === undefined) throw unknownParameter(name);
  if (parameter.kind !== 'reference') throw invalidValue(name, `a reference; ${code} is none`);
  if (!isFollowed(parameter)) throw unsupported(name, `to follow the canonical URLs of ${code}`);
  return parameter;
}
