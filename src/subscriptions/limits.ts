/** Bounds of subscriptions in one place. What a client asks beyond one is refused, not cut. */
export const LIMITS = {
  /** Subscriptions that are not off: of one app or, without an app, one account; and of one organisation. */
  perClient: 50,
  perOrganisation: 1000,
  /** Of one patient by all apps, and of all patients of a custodian. */
  perPatient: 20,
  allPatients: 10_000,
  filters: 10,
  /** Characters of one filter. */
  filterChars: 1024,
  endpointChars: 2048,
  headers: 10,
  /** Characters of one header, name and value. */
  headerChars: 1024,
  /** Seconds between heartbeats. */
  heartbeatSeconds: { min: 1, max: 86_400 },
  /** Seconds that a delivery may take. */
  timeoutSeconds: { min: 1, max: 60, default: 10 },
  /** Events in one notification. */
  maxCount: { min: 1, max: 100, default: 20 },
  /** Characters of one notification, unless a single event has more: then fewer events go together. */
  notificationChars: 4 * 1024 * 1024,
  /** Newest events of a subscription that can still be delivered, or asked for with `$events`. */
  keptEvents: 10_000,
  /** Bytes of a receiver's answer that are read. */
  answerBytes: 64 * 1024,
} as const;

/** How deliveries are tried again, in milliseconds. Tests use shorter ones. */
export interface Timing {
  /** How often the journal's head is looked at while there are subscriptions, and while there are none. */
  readonly pollMs: number;
  readonly idleMs: number;
  /** Wait before the first retry; doubled for each further one, with as much again at random, up to `mostRetryMs`. */
  readonly firstRetryMs: number;
  readonly mostRetryMs: number;
  /** Failures in a row after which the status is `error`, and how often it is tried from then on. */
  readonly failuresToError: number;
  readonly slowRetryMs: number;
}

export const TIMING: Timing = {
  pollMs: 20,
  idleMs: 200,
  firstRetryMs: 250,
  mostRetryMs: 60_000,
  failuresToError: 8,
  slowRetryMs: 300_000,
};
