/**
 * The parts of a search parameter's FHIRPath that `type` has: of `Patient.name | Practitioner.name` a Patient has the
 * first. Parts that begin at an element (`name | alias`) belong to every type.
 */
export function ownExpression(type: string, expression: string): string {
  const parts = expression.split('|').map((part) => part.trim());
  return parts.filter((part) => isOwn(type, part)).join(' | ');
}

function isOwn(type: string, part: string): boolean {
  const name = /^\(*([A-Z]\w+)(?:[.)]|$)/.exec(part)?.[1];
  return name === undefined || name === type || name === 'Resource' || name === 'DomainResource';
}
