import { randomBytes } from '#crypto/platform';
import { bytesToBase64url } from '../../std/bytes.ts';
import { type DocumentStore, readJson, writeJson } from './documents.ts';
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
  /** By which link the user signed in at an external provider (external/links.ts): it bounds the user for the grant's life. */
  readonly link?: string;
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

interface KeptContext {
  readonly context: LaunchContext;
  readonly expiresAtMs: number;
}

/** The context of a grant: all its tokens have it. */
export function keepContext(store: DocumentStore, grantId: string, kept: KeptContext): Promise<void> {
  return writeJson(store, CONTEXT, nameOf(grantId), kept);
}

export async function contextOf(stores: readonly DocumentStore[], grantId: string): Promise<LaunchContext> {
  for (const store of stores) {
    const kept = await readJson<KeptContext>(store, CONTEXT, nameOf(grantId));
    if (kept !== undefined) return kept.context;
  }
  return {};
}

/** Members that a token's answer and its introspection say of the context. */
export function contextParameters(context: LaunchContext): Record<string, unknown> {
  const { patient, encounter, fhirContext, intent, needPatientBanner } = context;
  return {
    ...(patient === undefined ? {} : { patient: patient.id, need_patient_banner: needPatientBanner ?? true }),
    ...(encounter === undefined ? {} : { encounter }),
    ...(fhirContext === undefined ? {} : { fhirContext }),
    ...(intent === undefined ? {} : { intent }),
  };
}
