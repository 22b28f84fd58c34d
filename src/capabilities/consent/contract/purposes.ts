/**
 * Purposes of use: HL7 v3 ActReason codes below PurposeOfUse (THO 3.1.0), each with the code that it is a kind of.
 * A provision that names a code names all kinds of it. A code that is not here is unknown, and unknown means deny.
 *
 * HL7 has BTG below ETREAT. Here it stands alone: breaking the glass is never implied by a consent to treatment.
 */
const PARENT_OF: Readonly<Record<string, string>> = {
  TREAT: '',
  ETREAT: 'TREAT',
  ERTREAT: 'ETREAT',
  CAREMGT: 'TREAT',
  CLINTRL: 'TREAT',
  POPHLTH: 'TREAT',
  TREATDS: 'TREAT',
  BTG: '',
  HPAYMT: '',
  CLMATTCH: 'HPAYMT',
  COVAUTH: 'HPAYMT',
  COVERAGE: 'HPAYMT',
  ELIGDTRM: 'COVERAGE',
  ELIGVER: 'COVERAGE',
  ENROLLM: 'COVERAGE',
  REMITADV: 'HPAYMT',
  HOPERAT: '',
  DONAT: 'HOPERAT',
  FRAUD: 'HOPERAT',
  GOV: 'HOPERAT',
  HACCRED: 'HOPERAT',
  HCOMPL: 'HOPERAT',
  HDECD: 'HOPERAT',
  HDIRECT: 'HOPERAT',
  HLEGAL: 'HOPERAT',
  HOUTCOMS: 'HOPERAT',
  HPRGRP: 'HOPERAT',
  HQUALIMP: 'HOPERAT',
  HSYSADMIN: 'HOPERAT',
  MEMADMIN: 'HOPERAT',
  PATADMIN: 'HOPERAT',
  PATSFTY: 'HOPERAT',
  PERFMSR: 'HOPERAT',
  RECORDMGT: 'HOPERAT',
  TRAIN: 'HOPERAT',
  HMARKT: '',
  HRESCH: '',
  BIORCH: 'HRESCH',
  CLINTRCH: 'HRESCH',
  CLINTRCHNPC: 'CLINTRCH',
  CLINTRCHPC: 'CLINTRCH',
  PRECLINTRCH: 'CLINTRCH',
  DSRCH: 'HRESCH',
  POARCH: 'HRESCH',
  TRANSRCH: 'HRESCH',
  PATRQT: '',
  FAMRQT: 'PATRQT',
  PWATRNY: 'PATRQT',
  SUPNWK: 'PATRQT',
  PUBHLTH: '',
  DISASTER: 'PUBHLTH',
  THREAT: 'PUBHLTH',
};

/** Break the glass: the purpose that passes any deny which does not name it. */
export const BREAK_GLASS = 'BTG';

/** The code system of the purposes that stand on the ledger in clear. */
export const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

/** All known purposes of use. */
export const PURPOSES: readonly string[] = Object.keys(PARENT_OF).sort();

export function isPurpose(code: string): boolean {
  return Object.hasOwn(PARENT_OF, code);
}

/** True when `asked` is one of `named`, or a kind of one of them. */
export function purposeIsNamed(named: readonly string[], asked: string): boolean {
  for (let code = asked; code !== ''; code = PARENT_OF[code] ?? '') if (named.includes(code)) return true;
  return false;
}
