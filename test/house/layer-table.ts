/**
 * The rooms of src and what each may stand on: the arrows and floors of docs/ARCHITECTURE.md as a table. A room that
 * is not here does not exist; an import that is not here is a fault.
 */

const PURE = ['std', 'crypto', 'state', 'chain'] as const;
/** Rooms that define ports which capabilities' server floors fill; they know no capability. */
const SERVICES = ['jobs', 'auth', 'vault', 'ledger'] as const;

/** Room → rooms that it may import. `contract`, `api`, `capability-server`, `capability-web` are floors. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  std: [],
  crypto: ['std'],
  state: ['std', 'crypto'],
  chain: ['std', 'crypto', 'state'],
  contract: [...PURE],
  ledger: [...PURE],
  vault: [...PURE, 'jobs'],
  jobs: ['std'],
  // What this node asks of addresses that others name.
  outgoing: ['std'],
  auth: [...PURE, 'vault', 'jobs', 'outgoing'],
  server: [...PURE, ...SERVICES],
  fhir: [...PURE, ...SERVICES],
  subscriptions: [...PURE, ...SERVICES, 'outgoing', 'server', 'fhir'],
  exchange: [...PURE, ...SERVICES, 'server', 'contract'],
  devices: [...PURE, ...SERVICES, 'server', 'contract'],
  synthetic: ['std'],
  // A wallet builds and signs what the endpoints take: their definitions are its vocabulary.
  wallet: [...PURE, 'contract', 'api'],
  api: [...PURE, 'contract'],
  'capability-server': [
    ...PURE,
    ...SERVICES,
    'server',
    'fhir',
    'subscriptions',
    'exchange',
    'devices',
    'contract',
    'api',
  ],
  web: [...PURE, 'contract', 'api', 'wallet'],
  'capability-web': [...PURE, 'contract', 'api', 'wallet', 'web'],
  cli: [...PURE, 'contract', 'api', 'wallet', 'synthetic', 'jobs'],
  app: [
    ...[
      ...PURE,
      ...SERVICES,
      'outgoing',
      'server',
      'fhir',
      'subscriptions',
      'exchange',
      'devices',
      'contract',
      'api',
      'wallet',
    ],
    ...['synthetic', 'web'],
    ...['cli', 'capability-server', 'capability-web'],
  ],
};

/** Packages that a room may import where it must run in a browser or in ten years; other rooms take any dependency. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  std: ['canonicalize'],
  crypto: ['@noble/hashes', '@noble/curves', 'hpke', '@panva/hpke-noble'],
  state: [],
  chain: ['typebox'],
  contract: ['typebox'],
  api: ['typebox', '@medplum/fhirtypes'],
  synthetic: ['@medplum/fhirtypes'],
  jobs: ['pino'],
};

/** Rooms without a platform: no `node:`, in no file. */
const PLATFORM_FREE = new Set(['std', 'state', 'chain', 'contract', 'api', 'synthetic', 'web', 'capability-web']);

/** Rooms that run in both: `node:` only in a folder node/ or a file that is named for what only Node has. */
const PLATFORM_SPLIT = new Set(['crypto', 'wallet']);

/** Whether a file of `room` may import `node:` modules. */
export function mayUseNode(room: string, path: string): boolean {
  if (PLATFORM_FREE.has(room)) return false;
  return !PLATFORM_SPLIT.has(room) || /\/node\/|-file\.ts$/.test(path);
}

/** Room of a source file; undefined for a folder nobody named, or a file on no floor of its capability. */
export function roomOf(path: string): string | undefined {
  const [, room = '', ...rest] = path.split('/');
  if (room !== 'capabilities') return rest.length > 0 && room in ROOMS && !FLOORS.has(room) ? room : undefined;
  const floor = /^(contract|api|server|web)(?:\.tsx?)?$/.exec(rest[1] ?? '')?.[1];
  const isFile = rest.length === 2;
  if (floor === undefined || isFile !== /\.tsx?$/.test(rest[1] ?? '')) return undefined;
  return floor === 'server' || floor === 'web' ? `capability-${floor}` : floor;
}

const FLOORS = new Set(['contract', 'api', 'capability-server', 'capability-web']);

/** Name of the capability that a path lies in. */
export function capabilityOf(path: string): string | undefined {
  return /^src\/capabilities\/([^/]+)\//.exec(path)?.[1];
}
