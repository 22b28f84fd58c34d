import type { FounderPlan } from '../wallet/node/organisation-keys.ts';

/** The organisations of the node that `aceso start` makes when it is given nothing: two hospitals and an institute. */
export const DEMO_FOUNDERS: readonly FounderPlan[] = [
  { slug: 'st-brigid', name: 'St. Brigid Hospital', roles: ['provider'] },
  { slug: 'riverside', name: 'Riverside General Hospital', roles: ['provider'] },
  { slug: 'meridian', name: 'Meridian Research Institute', roles: ['research'] },
];

/** Joins them in a network for trying out: with four validators one may fail. */
const FOURTH_FOUNDER: FounderPlan = { slug: 'northgate', name: 'Northgate Health Authority', roles: ['regulator'] };

/** So many organisations for a network for trying out; from the fifth on they are made up. */
export function trialFounders(count: number): readonly FounderPlan[] {
  const known = [...DEMO_FOUNDERS, FOURTH_FOUNDER];
  const madeUp = Array.from({ length: Math.max(0, count - known.length) }, (_, at) => known.length + at + 1);
  return [
    ...known.slice(0, count),
    ...madeUp.map((number) => ({ slug: `clinic-${number}`, name: `Clinic ${number}`, roles: ['provider'] })),
  ];
}

/** How many synthetic patients each hospital is given at first start, and the day their charts are written up to. */
export const DEMO_PATIENTS_EACH = 12;
export const DEMO_AS_OF = '2026-06-30';
