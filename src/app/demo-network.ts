import type { FounderPlan } from './new-network.ts';

/** The organisations of the node that `aceso start` makes when it is given nothing: two hospitals and an institute. */
export const DEMO_FOUNDERS: readonly FounderPlan[] = [
  { slug: 'st-brigid', name: 'St. Brigid Hospital', roles: ['provider'] },
  { slug: 'riverside', name: 'Riverside General Hospital', roles: ['provider'] },
  { slug: 'meridian', name: 'Meridian Research Institute', roles: ['research'] },
];

/** How many synthetic patients each hospital is given at first start, and the day their charts are written up to. */
export const DEMO_PATIENTS_EACH = 12;
export const DEMO_AS_OF = '2026-06-30';
