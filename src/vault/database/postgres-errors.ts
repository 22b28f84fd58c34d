import type { Reject } from '../../std/reject.ts';
import { reject } from '../codes.ts';

/** SQLSTATE (PostgreSQL 15, appendix A) by its five characters or its class of two. */
const LOCKED = '55P03';
const FULL = ['53100'];
const DAMAGED = ['23', 'XX', '42'];
/** The session or the server went, or has no more resources: nobody knows what of the last write is durable. */
const FAILED = ['08', '53', '57', '58', '25', '40'];

/**
 * The refusal that an error of PostgreSQL or of its connection stands for; undefined for any other error. Message and
 * detail are left out: they quote values.
 */
export function postgresReject(error: unknown, step: 'open' | 'run'): Reject | undefined {
  const { code, severity, message } = error as { code?: unknown; severity?: unknown; message?: unknown };
  const isAnswer = typeof code === 'string' && typeof severity === 'string';
  if (code === LOCKED) return reject('VAULT_IN_USE');
  if (step === 'open') return isAnswer || isLost(code, message) ? unreachable(code) : undefined;
  if (!isAnswer) return isLost(code, message) ? reject('VAULT_STORAGE_FAILED', { step: 'connection' }) : undefined;
  const among = (list: readonly string[]) => list.includes(code) || list.includes(code.slice(0, 2));
  if (among(FULL)) return reject('VAULT_FULL');
  // Our statements meet a constraint or a missing table only where the tables are not as the vault made them.
  if (among(DAMAGED)) return reject('VAULT_DAMAGED', { sqlstate: code });
  return among(FAILED) ? reject('VAULT_STORAGE_FAILED', { sqlstate: code }) : undefined;
}

function unreachable(code: unknown): Reject {
  return reject('VAULT_DATABASE_UNREACHABLE', typeof code === 'string' ? { cause: code } : {});
}

/** Errors of sockets have a code of the system's (ECONNREFUSED); pg's own of a lost connection have a text only. */
function isLost(code: unknown, message: unknown): boolean {
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return true;
  return typeof message === 'string' && /connection|client was closed|not queryable/i.test(message);
}
