import type { CliContext } from '../command.ts';

/** Progress of several starts beside one another as one bar, in hundredths. */
export interface JointProgress {
  /** What the start at that place reports its steps to. */
  of(at: number): (step: string, done: number, total: number) => void;
  done(at: number): void;
  stop(): void;
}

/** Bars of several nodes would write over each other. */
export function createJointProgress(context: Pick<CliContext, 'progress'>, count: number): JointProgress {
  const bar = context.progress(`starting ${count} nodes`);
  const shares = new Array<number>(count).fill(0);
  const show = (): void => bar.update(Math.floor((shares.reduce((sum, share) => sum + share, 0) / count) * 100), 100);
  show();
  return {
    of: (at) => (_step, done, total) => {
      shares[at] = total === 0 ? 0 : Math.min(0.99, done / total);
      show();
    },
    done(at) {
      shares[at] = 1;
      show();
    },
    stop: () => bar.stop(),
  };
}
