import { classify } from '../fhir/classify.ts';
import type { FhirServer } from '../fhir/context.ts';
import { membersOf } from '../fhir/json-spans.ts';
import type { ParsedResource } from '../fhir/patient-account.ts';
import { withIdentity } from '../fhir/resource-text.ts';
import { resourceToEntries } from '../fhir/search/resource-entries.ts';
import { utf8, utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { Vault, VersionRow } from '../vault/vault.ts';
import type { SubscriptionStatus } from './read-subscription.ts';

/**
 * Writes a subscription's next version with another status, as the custodian. `error` is the code of what went wrong
 * (`Subscription.error`). Undefined when the resource is no longer at `row`, or has that status: whoever wrote it since
 * has the last word.
 */
export async function changeStatus(
  server: FhirServer,
  vault: Vault,
  row: VersionRow,
  status: SubscriptionStatus,
  error: string | undefined,
): Promise<VersionRow | undefined> {
  const { type, id, account } = row;
  const before = utf8ToText(await vault.open(row));
  const changed = withStatus(before, status, error);
  if (changed === before) return undefined;
  const identity = { id, version: row.version + 1, timeMs: Math.max(server.clock(), row.timeMs) };
  const text = withIdentity(changed, identity);
  const resource = JSON.parse(text) as ParsedResource;
  const { version, timeMs } = identity;
  try {
    const written = await vault.write(
      [
        {
          ...{ account, type, id, version, timeMs, action: 'update', author: vault.custodian },
          ...classify(resource),
          bytes: utf8(text),
          entries: resourceToEntries(resource, server.registry, server.baseUrl, timeMs),
        },
      ],
      [],
    );
    return written.versions[0];
  } catch (thrown) {
    if (isReject(thrown) && thrown.code === 'VERSION_CONFLICT') return undefined;
    throw thrown;
  }
}

/** The text with status and error set, all else as it is. */
function withStatus(text: string, status: SubscriptionStatus, error: string | undefined): string {
  const kept = membersOf(text).flatMap(({ name, at, end }) => {
    if (name === 'status') return [`"status":"${status}"`];
    return name === 'error' || name === '_error' ? [] : [text.slice(at, end)];
  });
  if (error !== undefined) kept.push(`"error":${JSON.stringify(error)}`);
  return `{${kept.join(',')}}`;
}
