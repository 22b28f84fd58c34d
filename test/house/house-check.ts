import { ambientAuthorityFaults } from './ambient-authority.ts';
import { determinismFaults } from './determinism.ts';
import { errorsPageFaults } from './errors-page.ts';
import { houseFaults } from './house-rules.ts';
import { layerFaults } from './layers.ts';
import { lockfileFaults } from './lockfile.ts';
import { type Fault, readTree } from './source-tree.ts';

/** Everything that the checks of our own find below `root`, in byte order of path and then by line. */
export async function houseCheck(root: string): Promise<Fault[]> {
  const files = readTree(root);
  const faults = [
    ...layerFaults(files),
    ...determinismFaults(files),
    ...ambientAuthorityFaults(files),
    ...houseFaults(files),
    ...lockfileFaults(files),
    ...(await errorsPageFaults(root, files)),
  ];
  return faults.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line));
}
