import { rejecter } from '../../../std/reject.ts';
import { CODES } from './codes.ts';

export const reject = rejecter(CODES);
