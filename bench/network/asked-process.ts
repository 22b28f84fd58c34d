import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/*
 * Processes of the benchmark: the parent asks, the child answers, one JSON message each. The child's end answers what
 * its handlers return; one that throws ends the child, and with it the benchmark.
 */

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly value: unknown;
}

/** A child that is asked. */
export interface AskedProcess {
  readonly pid: number;
  ask<T>(name: string, argument?: unknown): Promise<T>;
  /** Asks it to `stop` and waits until it has ended. */
  stop(): Promise<void>;
}

/** Starts `module` with one argument, given as JSON. */
export function startAsked(module: URL, argument: unknown): AskedProcess {
  const child: ChildProcess = fork(module, [JSON.stringify(argument)]);
  const open = new Map<number, { resolve(value: unknown): void; fail(error: Error): void }>();
  let nextId = 0;
  child.on('message', ({ id, value }: Answer) => {
    open.get(id)?.resolve(value);
    open.delete(id);
  });
  child.once('exit', (code, signal) => {
    for (const { fail } of open.values()) fail(new Error(`a process of the benchmark ended: ${code ?? signal}`));
    open.clear();
  });
  return {
    pid: child.pid as number,
    ask<T>(name: string, value?: unknown) {
      const id = nextId++;
      return new Promise<T>((resolve, fail) => {
        open.set(id, { resolve: (answer) => resolve(answer as T), fail });
        child.send({ id, name, argument: value } satisfies Question);
      });
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.send({ id: nextId++, name: 'stop', argument: undefined } satisfies Question);
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: each handler says what it takes
type Handlers = Readonly<Record<string, (argument: any) => unknown>>;

/** The child's end. `stop` is a handler like others; after it the process ends. */
export function answerAsked(handlers: Handlers & { stop(): Promise<void> }): void {
  const answer = async ({ id, name, argument }: Question): Promise<void> => {
    const value = await handlers[name]?.(argument);
    if (name !== 'stop') process.send?.({ id, value } satisfies Answer);
    else process.exit(0);
  };
  process.on('message', (question: Question) => void answer(question));
  // The parent is gone: what was started here must not outlive it.
  process.once('disconnect', () => void handlers.stop().finally(() => process.exit(1)));
  process.once('SIGTERM', () => void handlers.stop().finally(() => process.exit(1)));
}
