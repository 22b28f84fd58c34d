/*
 * How often signing in may fail. Nothing that a stranger can do is counted against the holder of a credential: tries are
 * counted for a session at the network that it came from, and neither is anybody else's; against a credential only what
 * was signed with it. A network whose tries all fail is slowed down, but each session has one try whatever its
 * neighbours do, so that those behind one address cannot keep each other out.
 */

/** How often, where the operator does not say otherwise. */
const DEFAULTS = { sessionTries: 10, sourceTries: 60, credentialTries: 5, waitMs: 15 * 60 * 1000 } as const;
/** How long one failure of a network takes to be forgotten. */
const SOURCE_FORGETS_MS = 2000;
/** Most sessions, networks and credentials that are remembered, each; the oldest is forgotten, which lets in. */
const MAX_REMEMBERED = 10_000;

export interface AttemptLimitOptions {
  /** Failures of one session from one network before it has to wait. */
  readonly sessionTries?: number;
  /** Failures of one network before its sessions get one try each. */
  readonly sourceTries?: number;
  /** Refusals of one credential after its signature was found right. */
  readonly credentialTries?: number;
  /** How long failures of a session and of a credential are remembered after the last one. */
  readonly waitMs?: number;
  /** Most that is remembered, for tests. */
  readonly remembered?: number;
}

export interface AttemptLimits {
  /** Milliseconds to wait before the next try; 0 when it may be made. */
  waitMs(session: string, source: string, nowMs: number): number;
  failed(session: string, source: string, nowMs: number): void;
  /** The same for a credential, once a try was proved to be signed with it. */
  credentialWaitMs(credential: string, nowMs: number): number;
  credentialFailed(credential: string, nowMs: number): void;
  /** After a success its earlier failures do not count any more. */
  credentialWorked(credential: string): void;
}

/** Counts in memory, some 3 MB when full; a restart forgets. */
export function createAttemptLimits(options: AttemptLimitOptions = {}): AttemptLimits {
  const { sessionTries, sourceTries, credentialTries, waitMs, remembered } = {
    ...DEFAULTS,
    remembered: MAX_REMEMBERED,
    ...options,
  };
  const sessions = createCounts(remembered);
  const credentials = createCounts(remembered);
  const sources = createCounts(remembered);
  const pairOf = (session: string, source: string) => `${source} ${session}`;

  /** Failures of a source that are not forgotten yet: a bucket that leaks one each SOURCE_FORGETS_MS. */
  function failuresOf(source: string, nowMs: number): number {
    const { count, lastMs } = sources.of(source, nowMs, sourceTries * SOURCE_FORGETS_MS);
    return Math.max(0, count - Math.max(0, nowMs - lastMs) / SOURCE_FORGETS_MS);
  }

  return {
    waitMs(session, source, nowMs) {
      const own = sessions.of(pairOf(session, source), nowMs, waitMs);
      if (own.count >= sessionTries) return own.lastMs + waitMs - nowMs;
      if (own.count === 0) return 0;
      const over = failuresOf(source, nowMs) - sourceTries;
      return over < 0 ? 0 : Math.ceil((over + 1) * SOURCE_FORGETS_MS);
    },
    failed(session, source, nowMs) {
      const pair = pairOf(session, source);
      sessions.set(pair, sessions.of(pair, nowMs, waitMs).count + 1, nowMs);
      // Full is full: a flood does not make the wait after it longer.
      sources.set(source, Math.min(sourceTries, failuresOf(source, nowMs) + 1), nowMs);
    },
    credentialWaitMs(credential, nowMs) {
      const { count, lastMs } = credentials.of(credential, nowMs, waitMs);
      return count < credentialTries ? 0 : lastMs + waitMs - nowMs;
    },
    credentialFailed(credential, nowMs) {
      credentials.set(credential, credentials.of(credential, nowMs, waitMs).count + 1, nowMs);
    },
    credentialWorked: (credential) => credentials.forget(credential),
  };
}

interface Count {
  readonly count: number;
  readonly lastMs: number;
}

interface Counts {
  /** Zero when nothing is remembered, or nothing within `memoryMs`. */
  of(name: string, nowMs: number, memoryMs: number): Count;
  set(name: string, count: number, nowMs: number): void;
  forget(name: string): void;
}

function createCounts(most: number): Counts {
  const counts = new Map<string, Count>();
  return {
    of(name, nowMs, memoryMs) {
      const known = counts.get(name);
      return known === undefined || nowMs - known.lastMs >= memoryMs ? { count: 0, lastMs: nowMs } : known;
    },
    set(name, count, lastMs) {
      // Taken out first, so that the order is that of the last failures.
      counts.delete(name);
      const [oldest] = counts.keys();
      if (oldest !== undefined && counts.size >= most) counts.delete(oldest);
      counts.set(name, { count, lastMs });
    },
    forget: (name) => counts.delete(name),
  };
}
