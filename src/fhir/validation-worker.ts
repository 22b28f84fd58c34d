import { answerQuestions } from '../jobs/answer-questions.ts';
import { isReject } from '../std/reject.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { validatorOfFiles } from './packages/package-validator.ts';
import type { Validator } from './profiles/validator.ts';
import { refuseInvalid } from './validate.ts';
import type { ValidationAnswer, ValidationRequest } from './validation-messages.ts';

/* A worker thread that answers each list of resources with the first that is refused, if one is. */
const definitions = await loadDefinitions();
/** Made anew when other packages are asked for; they seldom change. */
let current: { readonly packages: string; readonly validator: Validator } | undefined;

answerQuestions(firstFault);

function firstFault({ texts, packages }: ValidationRequest): ValidationAnswer {
  for (const [at, text] of texts.entries()) {
    try {
      refuseInvalid(JSON.parse(text), validatorOf(packages));
    } catch (error) {
      // What is no refusal is a bug: the caller validates again itself and meets it with its stack.
      if (!isReject(error)) throw error;
      return { at, issues: error.data.issues ?? [] };
    }
  }
  return 'valid';
}

function validatorOf(packages: readonly string[]): Validator {
  const key = packages.join('\n');
  if (current?.packages !== key) current = { packages: key, validator: validatorOfFiles(definitions, packages) };
  return current.validator;
}
