/** Every bound of the FHIR server in one place. A request beyond one is refused before the work it would cost. */
export const LIMITS = {
  /** One resource, as the client sent it (also each one inside a Bundle). */
  resourceBytes: 2 * 1024 * 1024,
  /** A transaction or batch Bundle, and, about, a page of what is answered and what it includes, each. */
  bundleBytes: 16 * 1024 * 1024,
  bundleEntries: 5000,
  /** Characters of the answers in a batch's answer, about; what would read more after that is refused. */
  answerChars: 64 * 1024 * 1024,
  /** How deep arrays and objects may nest, the root counted. */
  jsonDepth: 64,
  /** Characters of one number: FHIR's decimal has no bound of its own (R4 §2.24.0.1), its text must have one. */
  numberChars: 64,
  memberNameChars: 128,
  /** Request target with its query. */
  urlChars: 8192,
  pageDefault: 50,
  pageMax: 500,
  /** Rows that one search looks at before it says too-costly. */
  scannedRows: 10_000,
  /** Resources that one search opens to decide what the index does not. */
  openedRows: 2000,
  /** Characters of what one search opened that it keeps until it is answered; what goes beyond is opened again. */
  keptChars: 64 * 1024 * 1024,
  /** Resources that `_include` and `_revinclude` add to one page. */
  includedRows: 1000,
  /** What one resource is found by: a chart's largest have some hundred. */
  indexEntries: 5000,
  /** Issues reported of one invalid resource. */
  issues: 20,
} as const;

/** The values, so that a node can be configured with smaller ones. */
export type FhirLimits = { readonly [Name in keyof typeof LIMITS]: number };
