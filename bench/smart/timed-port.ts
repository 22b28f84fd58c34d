import { createAccessPort as createReal } from '../../src/capabilities/access/server/access-port.ts';
import type { AccessPort } from '../../src/fhir/ports.ts';
import { tellDecision } from './timed-decision.ts';

/** The decision point of the product, with a clock around its reads. */
export function createAccessPort(options: Parameters<typeof createReal>[0]): AccessPort {
  const real = createReal(options);
  return {
    write: real.write,
    async read(...asked) {
      const beganMs = performance.now();
      const decided = await real.read(...asked);
      tellDecision(performance.now() - beganMs);
      return decided;
    },
  };
}
