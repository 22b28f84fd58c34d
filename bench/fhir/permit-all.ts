import type { AccessPort } from '../../src/fhir/ports.ts';

const RULES = ['bench:permit-all'];

/** A decision point that decides nothing: no policy is looked up, everything is permitted. */
export function createAccessPort(): AccessPort {
  return {
    read: async (_caller, _account, versions) => ({
      decision: 'permit',
      rules: RULES,
      visible: versions.map(() => true),
    }),
    write: () => ({ decision: 'permit', rules: RULES, visible: [] }),
  };
}
