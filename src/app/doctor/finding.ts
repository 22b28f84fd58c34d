import type { Finding } from '../../cli/node-starter.ts';
import { isReject } from '../../std/reject.ts';

/** All is well with a part. */
export function ok(check: string, what: string): Finding {
  return { check, level: 'ok', what };
}

/** The node works, and somebody should look. */
export function warn(check: string, what: string, advice: string): Finding {
  return { check, level: 'warn', what, advice };
}

/** The node does not work, or not for long. */
export function fail(check: string, what: string, advice: string): Finding {
  return { check, level: 'fail', what, advice };
}

/** A finding from what was thrown: a refusal says by itself what to do, and an error of the system what happened. */
export function thrown(check: string, error: unknown, advice: string): Finding {
  if (isReject(error)) {
    const said = error.message.replace(/^[A-Z_]+: /, '');
    const data = Object.keys(error.data).length === 0 ? '' : ` ${JSON.stringify(error.data)}`;
    return fail(check, `${error.code}${data}`, said);
  }
  const { code } = error as NodeJS.ErrnoException;
  return fail(check, code ?? (error instanceof Error ? error.name : 'unknown'), advice);
}
