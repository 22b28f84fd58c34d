import type { CliContext, Progress } from './command.ts';

/** Progress of a start, step by step: a bar for each, the last one ended by `stop`. */
export interface StepProgress {
  update(step: string, done: number, total: number): void;
  stop(): void;
}

export function createStepProgress(context: Pick<CliContext, 'progress'>): StepProgress {
  let bar: Progress | undefined;
  let current = '';
  return {
    update(step, done, total) {
      if (step !== current) {
        bar?.stop();
        bar = context.progress(step);
        current = step;
      }
      bar?.update(done, total);
    },
    stop: () => bar?.stop(),
  };
}
