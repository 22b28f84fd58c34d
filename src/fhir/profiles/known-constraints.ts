/**
 * Invariants of R4 that nearly every resource meets, by their exact expression: the same decision as FHIRPath gives, at
 * a hundredth of its cost, since they are on the path of every write. `known-constraints.test.ts` compares both.
 */

type Node = Readonly<Record<string, unknown>>;
type Known = (node: Node, resource: Node) => boolean;

const NONE: readonly unknown[] = [];

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined || value === null ? NONE : Array.isArray(value) ? value : [value];
const objectsOf = (value: unknown): readonly Node[] =>
  listOf(value).filter((item): item is Node => typeof item === 'object' && item !== null);
const has = (node: Node, name: string): boolean => node[name] !== undefined || node[`_${name}`] !== undefined;

/** A choice is there in one of its types: a member that begins with its name and goes on with a capital. */
function hasChoice(node: Node, name: string): boolean {
  for (const key of Object.keys(node)) {
    const at = key.charCodeAt(0) === 0x5f ? 1 : 0;
    const next = key.charCodeAt(at + name.length);
    if (next >= 0x41 && next <= 0x5a && key.startsWith(name, at)) return true;
  }
  return false;
}

const hasCoding = (concept: unknown, system: string, codes: readonly string[]): boolean =>
  objectsOf(concept).some((one) =>
    objectsOf(one.coding).some((coding) => coding.system === system && codes.includes(coding.code as string)),
  );

const codingKeys = (concept: unknown): string[] =>
  objectsOf(concept).flatMap((one) =>
    objectsOf(one.coding).map((coding) => JSON.stringify(Object.entries(coding).sort())),
  );

const CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const CONDITION_STATUS = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
const ALLERGY_STATUS = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';

const KNOWN: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['extension.exists() != value.exists()', (node) => has(node, 'extension') !== hasChoice(node, 'value')],
  ['code.empty() or system.exists()', (node) => !has(node, 'code') || has(node, 'system')],
  ['contained.contained.empty()', (node) => objectsOf(node.contained).every((one) => !has(one, 'contained'))],
  [
    'contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()',
    (node) =>
      objectsOf(node.contained).every((one) =>
        objectsOf(one.meta).every((meta) => !has(meta, 'versionId') && !has(meta, 'lastUpdated')),
      ),
  ],
  [
    'contained.meta.security.empty()',
    (node) => objectsOf(node.contained).every((one) => objectsOf(one.meta).every((meta) => !has(meta, 'security'))),
  ],
  ['dataAbsentReason.empty() or value.empty()', (node) => !has(node, 'dataAbsentReason') || !hasChoice(node, 'value')],
  [
    'value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()',
    (node, resource) => {
      if (node.component === undefined || !hasChoice(node, 'value')) return true;
      const own = new Set(codingKeys(resource.code));
      return objectsOf(node.component).every((one) => codingKeys(one.code).every((key) => !own.has(key)));
    },
  ],
  [
    'low.exists() or high.exists() or text.exists()',
    (node) => has(node, 'low') || has(node, 'high') || has(node, 'text'),
  ],
  [
    'start.hasValue().not() or end.hasValue().not() or (start <= end)',
    (node) => typeof node.start !== 'string' || typeof node.end !== 'string' || !startsAfter(node.start, node.end),
  ],
  [
    'name.exists() or telecom.exists() or address.exists() or organization.exists()',
    (node) => has(node, 'name') || has(node, 'telecom') || has(node, 'address') || has(node, 'organization'),
  ],
  ['value.empty() or system.exists()', (node) => !has(node, 'value') || has(node, 'system')],
  [
    "abatement.empty() or clinicalStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-clinical' and (code='resolved' or code='remission' or code='inactive')).exists()",
    (node) =>
      !hasChoice(node, 'abatement') || hasCoding(node.clinicalStatus, CLINICAL, ['resolved', 'remission', 'inactive']),
  ],
  [
    "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status' and code='entered-in-error').empty() or clinicalStatus.empty()",
    (node) =>
      !has(node, 'clinicalStatus') || !hasCoding(node.verificationStatus, CONDITION_STATUS, ['entered-in-error']),
  ],
  [
    "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification' and code = 'entered-in-error').empty() or clinicalStatus.empty()",
    (node) => !has(node, 'clinicalStatus') || !hasCoding(node.verificationStatus, ALLERGY_STATUS, ['entered-in-error']),
  ],
  ['(identifier.count() + name.count()) > 0', (node) => has(node, 'identifier') || has(node, 'name')],
  // Not for their number: each entry of one list is looked up in another, which must not cost the product of both.
  [
    'resource.groupingId.all(%context.grouping.id contains $this)',
    (node) => {
      const ids = new Set(objectsOf(node.grouping).map(({ id }) => id));
      return objectsOf(node.resource).every(({ groupingId }) => groupingId === undefined || ids.has(groupingId));
    },
  ],
  [
    'definition.resource.fhirVersion.all(%context.fhirVersion contains $this)',
    (node) => {
      const versions = new Set(listOf(node.fhirVersion));
      return objectsOf(node.definition).every((definition) =>
        objectsOf(definition.resource).every((one) =>
          listOf(one.fhirVersion).every((version) => versions.has(version)),
        ),
      );
    },
  ],
]);

/** The decision for an expression; undefined where FHIRPath has to be asked. */
export function knownConstraint(expression: string): Known | undefined {
  return KNOWN.get(expression);
}

/** All expressions that are decided here. */
export const KNOWN_EXPRESSIONS: readonly string[] = [...KNOWN.keys()];

/** Whether a date lies after another for certain: a partial one stands for all of its time (R4 §2.24.0.17, Period.end). */
export function startsAfter(start: string, end: string): boolean {
  if (start.length > 10 && end.length > 10) return Date.parse(start) > Date.parse(end);
  const shorter = Math.min(start.length, end.length, 10);
  return start.slice(0, shorter) > end.slice(0, shorter);
}
