import { existsSync, writeFileSync } from 'node:fs';
import { contractsOf } from './contracts.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { blocksToInput, replay, type Vector } from './vector.ts';

// node test/vectors/chain/make.ts NAME writes NAME.json from scenarios/NAME.ts. It adds and never changes: a scenario
// whose rules have moved on gets another name, and the old vector stays.
const name = process.argv[2] ?? '';
const file = new URL(`./${name}.json`, import.meta.url);
if (!/^[a-z0-9-]+$/.test(name)) throw new Error('usage: node test/vectors/chain/make.ts NAME');
if (existsSync(file)) throw new Error(`${name}.json exists, and vectors do not change: choose another name`);

const { scenario } = (await import(`./scenarios/${name}.ts`)) as { scenario: Scenario };
const { genesis, blocks } = scenario.run();
const { about, contracts } = scenario;
const results = replay(contractsOf(contracts), { genesis, blocks: blocksToInput(blocks) });
const vector: Vector = { about, contracts, genesis, ...results };
writeFileSync(file, `${JSON.stringify(vector, undefined, 1)}\n`, { flag: 'wx' });
console.log(`${name}.json: ${blocks.length} blocks`);
