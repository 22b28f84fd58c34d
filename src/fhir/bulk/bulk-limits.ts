/** Every bound of bulk export and import in one place. */
export const BULK_LIMITS = {
  /** Exports and imports that run or wait: of one client, and of one organisation. */
  activePerClient: 2,
  activePerOrganisation: 8,
  /** The same with those that are done and not yet deleted or expired: each keeps files on the disk. */
  keptPerClient: 16,
  keptPerOrganisation: 64,
  /** The same for a patient and for all patients of an organisation, who take no room from its own. */
  keptPerPatient: 2,
  keptOfPatients: 512,
  /** Run at a time on a node. */
  running: 2,
  /** Resources that are decided on, journalled and written together: the more, the fewer entries for each patient. */
  batchRows: 5000,
  /** Bytes of them, about: a few times as much is in memory for each export that runs. */
  batchBytes: 8 * 1024 * 1024,
  /** Of them are looked for at a time. */
  pageRows: 250,
  /** Of them are opened at a time, two times over; other requests get their turn in between. */
  openedRows: 64,
  /** Of a file before it is encrypted; the next resource goes into another one. */
  fileBytes: 256 * 1024 * 1024,
  /** Of a frame of a file before it is encrypted. One resource may be more. */
  frameBytes: 1024 * 1024,
  /** Least time between two questions for the status of one that runs. */
  pollMs: 1000,
  /** How long files stay after they are done. */
  expiryMs: 24 * 3_600_000,
  /** How long an export waits for writes that were stamped before it was asked for. */
  settleMs: 1000,
  /** Before a run that the disk or the vault stopped is tried again; each further time five times as long. */
  retryMs: 1000,
  retries: 3,
  patients: 5000,
  groupMembers: 100_000,
  typeFilters: 64,
  /** Accounts of patients whose resources are looked for by one query. */
  accountsAtOnce: 200,
  /** A body of an import as it is sent, and the longest of its lines. */
  importBytes: 64 * 1024 * 1024 * 1024,
  lineBytes: 2 * 1024 * 1024,
  /** Lines that are written together. */
  importBatch: 50,
  /** Bytes of them: less than a Bundle may have. */
  importBatchBytes: 4 * 1024 * 1024,
} as const;

/** The values, so that a node can be configured with others. */
export type BulkLimits = { readonly [Name in keyof typeof BULK_LIMITS]: number };
