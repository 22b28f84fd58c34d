import { isReject } from '../std/reject.ts';

/** What is told of an error in the log. */
export interface LoggedError {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  readonly data?: object;
  readonly frames?: readonly string[];
}

/**
 * An error for the log, without what it may quote: a message of the runtime or a library can hold a piece of the text
 * that was worked on (`Unexpected token … in JSON`), so only its name, code and frames are kept. Refusals carry no patient
 * data, and errors of the system name calls and addresses: their messages stay. Also pino's serializer of `err`.
 */
export function errorForLog(error: unknown): LoggedError {
  if (isReject(error)) return { name: error.name, code: error.code, message: error.message, data: error.data };
  if (!(error instanceof Error)) return { name: typeof error };
  const { code, syscall } = error as NodeJS.ErrnoException;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    ...(code === undefined ? {} : { code: String(code) }),
    // `read ECONNRESET`, `connect ECONNREFUSED 127.0.0.1:5432`; one about a file would name its path.
    ...(syscall === undefined || 'path' in error ? {} : { message: error.message }),
    frames: frames.map((frame) => frame.trim()),
  };
}
