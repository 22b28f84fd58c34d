import { parentPort } from 'node:worker_threads';
import { unpackTasks } from './signature-batch.ts';
import { verifyTask } from './verify-task.ts';

/** A worker thread that answers each buffer of tasks with a byte per task, 1 where the signature holds. */
const port = parentPort;
if (port === null) throw new Error('signature-worker.ts runs in a worker thread');

port.on('message', ({ batch, tasks }: { batch: number; tasks: ArrayBuffer }) => {
  const results = Uint8Array.from(unpackTasks(tasks), (task) => (verifyTask(task) ? 1 : 0));
  port.postMessage({ batch, results }, [results.buffer]);
});
