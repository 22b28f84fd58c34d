/** Work that goes on beside requests. `run` is called again `intervalMs` after it ended; it may throw, and is tried again. */
export interface Job {
  readonly name: string;
  readonly intervalMs: number;
  run(): Promise<unknown>;
}

export interface JobLog {
  error(detail: object, message: string): void;
}

export interface RunningJobs {
  /** Ends after the runs under way; a last run of each job is made first when `finish` is true. */
  stop(finish: boolean): Promise<void>;
}

/** Runs jobs until stopped, one run of each at a time. A failing run is logged, and waits up to a minute longer. */
export function startJobs(jobs: readonly Job[], log: JobLog): RunningJobs {
  const running = jobs.map((job) => startJob(job, log));
  return { stop: async (finish) => void (await Promise.all(running.map((one) => one.stop(finish)))) };
}

const MAX_BACKOFF_MS = 60_000;

function startJob(job: Job, log: JobLog): RunningJobs {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let current: Promise<void> = Promise.resolve();
  const runOnce = async (): Promise<void> => {
    try {
      await job.run();
      failures = 0;
    } catch (error) {
      failures++;
      log.error({ err: error, job: job.name, failures }, 'job failed');
    }
  };
  const schedule = (): void => {
    if (stopped) return;
    const delay = Math.min(job.intervalMs * 2 ** Math.min(failures, 10), Math.max(MAX_BACKOFF_MS, job.intervalMs));
    timer = setTimeout(() => {
      current = runOnce().then(schedule);
    }, delay);
  };
  schedule();
  return {
    async stop(finish) {
      stopped = true;
      clearTimeout(timer);
      await current;
      if (finish) await runOnce();
    },
  };
}
