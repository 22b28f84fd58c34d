/**
 * Identifier systems by which FHIR resources name who is known on the ledger (FHIR R4 §2.3.0.5, logical references):
 * the account of a member, or of anybody else. Ids of the custodian's own Organization and Practitioner resources mean
 * nothing to other members, and nobody asks by them.
 */
export const MEMBER_SYSTEM = 'urn:aceso:member';
export const ACCOUNT_SYSTEM = 'urn:aceso:account';
