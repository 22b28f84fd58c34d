import { answerQuestions } from '../../jobs/answer-questions.ts';
import { openBytes } from './open-sealed.ts';
import { packOpened, unpackSealed } from './opening-messages.ts';

/* A worker thread that opens lists of versions (opening-messages.ts). */
answerQuestions(
  (packed: Uint8Array) => packOpened(unpackSealed(packed).map(openBytes)),
  (packed) => [packed.buffer],
);
