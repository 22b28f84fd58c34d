import { parentPort, type Transferable } from 'node:worker_threads';

export interface WorkerQuestion<Question> {
  readonly id: number;
  readonly question: Question;
}

/** Without an answer the thread met a bug. */
export interface WorkerAnswer<Answer> {
  readonly id: number;
  readonly answer?: Answer;
}

/**
 * What the thread of an `IdleWorker` does with each question, one after the other. `handedOver` says what of an answer the
 * other side gets without a copy.
 */
export function answerQuestions<Question, Answer>(
  answerTo: (question: Question) => Answer,
  handedOver: (answer: Answer) => readonly Transferable[] = () => [],
): void {
  const port = parentPort;
  if (port === null) throw new Error('questions are answered in a worker thread');
  port.on('message', ({ id, question }: WorkerQuestion<Question>) => {
    let answer: Answer;
    try {
      answer = answerTo(question);
    } catch {
      port.postMessage({ id } satisfies WorkerAnswer<Answer>);
      return;
    }
    port.postMessage({ id, answer } satisfies WorkerAnswer<Answer>, [...handedOver(answer)]);
  });
}
