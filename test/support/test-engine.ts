import { tmpdir } from 'node:os';
import type { EngineEnvironment } from '../../src/app/open-consortium.ts';

/** What nodes of tests start engines with: the program that the project installed, sockets in the machine's own folder. */
export const testEngine: EngineEnvironment = { program: undefined, searchPath: undefined, runtimeFolder: tmpdir() };
