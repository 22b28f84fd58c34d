import { parentPort } from 'node:worker_threads';
import { isReject } from '../std/reject.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { validateStructure } from './validate.ts';
import type { ValidationAnswer, ValidationRequest } from './validation-messages.ts';

/** A worker thread that answers each list of resources with the first that is refused, if one is. */
const port = parentPort;
if (port === null) throw new Error('validation-worker.ts runs in a worker thread');

const definitions = await loadDefinitions();

port.on('message', ({ batch, texts }: ValidationRequest) => {
  port.postMessage({ batch, ...firstFault(texts) } satisfies ValidationAnswer);
});

function firstFault(texts: readonly string[]): Omit<ValidationAnswer, 'batch'> {
  for (const [at, text] of texts.entries()) {
    try {
      validateStructure(JSON.parse(text), definitions);
    } catch (error) {
      // What is no refusal is a bug: the caller validates again itself and meets it with its stack.
      return isReject(error) ? { at, issues: error.data.issues ?? [] } : { at };
    }
  }
  return {};
}
