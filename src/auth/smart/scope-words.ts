import { parseResourceScope, type ResourceScope } from '../scopes.ts';

/** A scope as a person reads it. `always`: it is part of signing in, and not for choosing. */
export interface ScopeLine {
  readonly scope: string;
  readonly words: string;
  readonly always: boolean;
}

const LAUNCH_WORDS: Readonly<Record<string, string>> = {
  openid: 'know that it is you',
  fhirUser: 'know who you are at this organisation',
  profile: 'know who you are at this organisation',
  launch: 'know which patient it was opened for',
  'launch/patient': 'know which patient you choose',
  'launch/encounter': 'know which encounter it was opened for',
  offline_access: 'go on when you are away, until you or the organisation end it',
  online_access: 'go on while you are signed in',
};
const CHOSEN = new Set(['offline_access', 'online_access']);

/** What a scope lets an app do, in words. */
export function describeScope(scope: string): ScopeLine {
  const parsed = parseResourceScope(scope);
  if (parsed !== undefined) return { scope, words: describeResources(parsed), always: false };
  return { scope, words: LAUNCH_WORDS[scope] ?? scope, always: !CHOSEN.has(scope) };
}

function describeResources({ context, type, permissions, restriction }: ResourceScope): string {
  const verbs = [
    ...(/[rs]/.test(permissions) ? ['read'] : []),
    ...(permissions.includes('c') ? ['add'] : []),
    ...(permissions.includes('u') ? ['change'] : []),
    ...(permissions.includes('d') ? ['delete'] : []),
  ];
  const what = type === '*' ? 'all kinds of records' : `${type} records`;
  const whose = { patient: 'of the patient', user: 'that you may see', system: 'of the organisation' }[context];
  const only = restriction === undefined ? '' : `, only where ${restriction.slice(0, 120)}`;
  return `${verbs.join(', ')} ${what} ${whose}${only}`;
}
