import { randomBytes } from '#crypto/platform';
import { bytesToBase64url } from '../../std/bytes.ts';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import { CONTEXT, LAUNCH, nameOf } from './oauth-documents.ts';

/** What an app is launched with (SMART App Launch 2.2, "Launch context arrives with your access_token"). */
export interface LaunchContext {
  /** Id of the Patient resource, and its account. */
  readonly patient?: { readonly id: string; readonly account: string };
  /** Id of the Encounter resource. */
  readonly encounter?: string;
  readonly fhirContext?: readonly FhirContextItem[];
  readonly intent?: string;
  readonly needPatientBanner?: boolean;
}

export interface FhirContextItem {
  readonly reference?: string;
  readonly canonical?: string;
  readonly role?: string;
}

/** A launch that an EHR prepared: for one client, and for one user where it said for whom. */
interface Launch {
  readonly clientId: string;
  readonly account?: string;
  readonly context: LaunchContext;
  readonly expiresAtMs: number;
}

const LAUNCH_TTL_MS = 5 * 60_000;

/** Keeps a launch and returns its opaque handle, which is good for one authorization within five minutes. */
export async function prepareLaunch(
  store: DocumentStore,
  launch: Omit<Launch, 'expiresAtMs'>,
  nowMs: number,
): Promise<string> {
  const handle = bytesToBase64url(randomBytes(24));
  await writeJson(store, LAUNCH, nameOf(handle), { ...launch, expiresAtMs: nowMs + LAUNCH_TTL_MS });
  return handle;
}

/** Who comes with a launch. */
export interface LaunchedBy {
  readonly clientId: string;
  readonly account: string;
  readonly nowMs: number;
}

/** A launch that waits; undefined when there is none that this client and user may use now. */
export async function findLaunch(
  store: DocumentStore,
  handle: string,
  { clientId, account, nowMs }: LaunchedBy,
): Promise<LaunchContext | undefined> {
  if (handle.length > 128) return undefined;
  const launch = await readJson<Launch>(store, LAUNCH, nameOf(handle));
  if (launch === undefined || launch.clientId !== clientId || launch.expiresAtMs <= nowMs) return undefined;
  if (launch.account !== undefined && launch.account !== account) return undefined;
  return launch.context;
}

/** Uses up a launch that was found. */
export function endLaunch(store: DocumentStore, handle: string): Promise<void> {
  return writeJson(store, LAUNCH, nameOf(handle), undefined);
}

/** What is kept of a grant beside the provider's own document. Times in milliseconds since the epoch. */
export interface KeptContext {
  readonly context: LaunchContext;
  /** Mark of the sign-in that it was given by (standing.ts). */
  readonly by: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly sinceMs: number;
  /** When it was last used for a token, to the hour. */
  readonly usedMs?: number;
  readonly expiresAtMs: number;
}

/** The context of a grant: all its tokens have it. */
export function keepContext(store: DocumentStore, grantId: string, kept: KeptContext): Promise<void> {
  return writeJson(store, CONTEXT, nameOf(grantId), kept);
}

/** What is kept of a grant, by the name of its document, and where; undefined when it is gone. */
export async function contextNamed(
  stores: readonly DocumentStore[],
  name: string,
): Promise<{ readonly store: DocumentStore; readonly kept: KeptContext } | undefined> {
  for (const store of stores) {
    const kept = await readJson<KeptContext>(store, CONTEXT, name);
    if (kept !== undefined) return { store, kept };
  }
  return undefined;
}

/** What is kept of a grant; undefined when it is gone. */
export async function contextOf(stores: readonly DocumentStore[], grantId: string): Promise<KeptContext | undefined> {
  return (await contextNamed(stores, nameOf(grantId)))?.kept;
}

/**
 * Members that a token's answer and its introspection say of the context, for the scopes that were granted: `patient`
 * comes with `launch`, with `launch/patient`, and with any `patient/` scope, which is worth nothing without it.
 */
export function contextParameters(context: LaunchContext, scopes: readonly string[]): Record<string, unknown> {
  const { patient, encounter, fhirContext, intent, needPatientBanner } = context;
  const isTold = (own: string) => scopes.includes('launch') || scopes.includes(own);
  const isPatientTold = isTold('launch/patient') || scopes.some((one) => one.startsWith('patient/'));
  return {
    ...(patient === undefined || !isPatientTold
      ? {}
      : { patient: patient.id, need_patient_banner: needPatientBanner ?? true }),
    ...(encounter === undefined || !isTold('launch/encounter') ? {} : { encounter }),
    ...(fhirContext === undefined ? {} : { fhirContext }),
    ...(intent === undefined ? {} : { intent }),
  };
}
