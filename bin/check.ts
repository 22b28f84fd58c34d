import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { houseCheck } from '../test/house/house-check.ts';
import { faultToLine } from '../test/house/source-tree.ts';

const root = join(import.meta.dirname, '..');
const TYPESCRIPT = 'node_modules/typescript/bin/tsc';

interface Step {
  readonly name: string;
  /** What it found, for people; empty when all is well. */
  run(): Promise<string>;
}

const STEPS: readonly Step[] = [
  { name: 'house: layers, fence, names, sizes, lock, errors page', run: runHouse },
  tool('types', TYPESCRIPT, '--noEmit'),
  tool('types in browsers', TYPESCRIPT, '--noEmit', '-p', 'tsconfig.web.json'),
  tool('contract fence', TYPESCRIPT, '-p', 'tsconfig.contract.json'),
  tool('format and lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'),
  tool('dead files, exports, dependencies', 'node_modules/knip/bin/knip.js', '--no-progress'),
];

async function runHouse(): Promise<string> {
  return (await houseCheck(root)).map(faultToLine).join('\n');
}

/** A step that runs a tool of the package's own on this very Node, and fails with what it printed. */
function tool(name: string, script: string, ...parameters: readonly string[]): Step {
  const run = () =>
    new Promise<string>((resolve, reject) => {
      const child = spawn(process.execPath, [join(root, script), ...parameters], { cwd: root });
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
      });
      child.stderr.on('data', (chunk) => {
        output += chunk;
      });
      child.on('error', reject);
      child.on('close', (code, signal) =>
        resolve(code === 0 ? '' : output || `${script} ended with ${code ?? signal}`),
      );
    });
  return { name, run };
}

let failed = 0;
for (const { name, run } of STEPS) {
  const startedMs = performance.now();
  const found = await run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${found === '' ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (found === '') continue;
  failed++;
  console.log(found.trimEnd());
}
console.log(
  failed === 0 ? `check: ${STEPS.length} of ${STEPS.length} passed` : `check: ${failed} of ${STEPS.length} failed`,
);
process.exitCode = failed === 0 ? 0 : 1;
