/** Everything a contract must not reach: what differs from one machine, or from one moment, to the next. */
const GLOBALS = [
  'Date', 'Intl', 'performance', 'crypto', 'process', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask',
  'structuredClone', 'WeakRef', 'FinalizationRegistry', 'navigator', 'console',
] as const; // biome-ignore format: a table

const METHODS: readonly (readonly [object, readonly string[]])[] = [
  [
    Math,
    ['random', 'sin', 'cos', 'tan', 'exp', 'log', 'pow', 'cbrt', 'hypot', 'atan2', 'sinh', 'tanh', 'expm1', 'log1p'],
  ],
  [String.prototype, ['localeCompare', 'normalize', 'toLocaleLowerCase', 'toLocaleUpperCase']],
  [Number.prototype, ['toLocaleString', 'toExponential', 'toPrecision', 'toFixed']],
  [BigInt.prototype, ['toLocaleString']],
  [Array.prototype, ['toLocaleString']],
  [Object.prototype, ['toLocaleString']],
];

/** Thrown where a contract reaches for ambient authority. */
export class AmbientAuthority extends Error {}

/** Runs `call` with the clock, randomness, locale, timers and I/O of this process replaced by traps. */
export function withoutAmbient<T>(call: () => T): T {
  const restore: (() => void)[] = [];
  const touched: string[] = [];
  const trap = (owner: object, name: string): void => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    if (before === undefined) return;
    const touch = (): never => {
      touched.push(name);
      throw new AmbientAuthority(`a contract reached for ${name}`);
    };
    Object.defineProperty(owner, name, { configurable: true, get: touch, set: touch });
    restore.push(() => Object.defineProperty(owner, name, before));
  };
  for (const name of GLOBALS) trap(globalThis, name);
  for (const [owner, names] of METHODS) for (const name of names) trap(owner, name);
  let result: T;
  try {
    result = call();
  } finally {
    for (const undo of restore.reverse()) undo();
  }
  // Also when the contract caught what the trap threw.
  if (touched.length > 0) throw new AmbientAuthority(`a contract reached for ${touched.join(', ')}`);
  return result;
}
