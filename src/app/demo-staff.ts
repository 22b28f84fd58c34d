import { PRIVACY_OFFICER } from '../capabilities/access/server/access-server.ts';
import type { TokenRequest } from '../capabilities/membership/api.ts';

const SNOMED = 'http://snomed.info/sct';

/**
 * Staff of the demo organisations, each with a bearer token: roles that the organisation attests, most of them codes of
 * SNOMED CT, and purposes of use of HL7 v3.
 */
export const DEMO_STAFF: readonly ({ readonly slug: string } & Omit<TokenRequest, 'days'>)[] = [
  { slug: 'st-brigid', label: 'physician', roleCodes: [`${SNOMED}|309343006`], purposes: ['TREAT', 'BTG', 'ETREAT'] },
  {
    ...{ slug: 'st-brigid', label: 'privacy officer' },
    ...{ roleCodes: [`${SNOMED}|224608005`, PRIVACY_OFFICER], purposes: ['HOPERAT'] },
  },
  { slug: 'riverside', label: 'physician', roleCodes: [`${SNOMED}|309343006`], purposes: ['TREAT', 'BTG', 'ETREAT'] },
  { slug: 'meridian', label: 'researcher', roleCodes: [`${SNOMED}|308050009`], purposes: ['HRESCH'] },
];
