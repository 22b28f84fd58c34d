import { type Static, type TSchema, Type } from 'typebox';

const Path = Type.String({ pattern: '^[^\\x00-\\x1f-][^\\x00-\\x1f]{0,1023}$' });
const Url = Type.String({ pattern: '^https?://[^\\s?#/][^\\s?#]{0,240}$' });
const Tcp = Type.String({ pattern: '^tcp://[^\\s/]{1,240}:[0-9]{1,5}$' });
const Postgres = Type.String({ pattern: '^postgres(?:ql)?://\\S{1,1024}$' });

const PerSecond = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 }));
/** To come in by an app costs 10 of a network's at once, so less than twice that would let in almost nobody. */
const Burst = Type.Optional(Type.Integer({ minimum: 20, maximum: 10_000_000 }));
/** Fewer would keep out whoever touches the wrong key twice. */
const Tries = Type.Optional(Type.Integer({ minimum: 3, maximum: 1000 }));

/** Every setting of a running node. */
const Configuration = Type.Object({
  data: Path,
  port: Type.Integer({ minimum: 0, maximum: 65_535 }),
  host: Type.String({ pattern: '^[A-Za-z0-9.:_%-]{1,255}$' }),
  baseUrl: Type.Optional(Url),
  confirmClock: Type.Optional(Type.Boolean()),
  empty: Type.Optional(Type.Boolean()),
  genesis: Type.Optional(Path),
  keys: Type.Optional(Path),
  network: Type.Optional(Path),
  p2p: Type.Optional(Tcp),
  carry: Type.Optional(Path),
  snapshotEvery: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999_999 })),
  follow: Type.Optional(Url),
  witness: Type.Optional(Type.Record(Type.String({ pattern: '^[^=\\s]{1,64}$' }), Url, { maxProperties: 64 })),
  peer: Type.Optional(Type.Array(Url, { maxItems: 128 })),
  /** Proxies before the node, whose X-Forwarded-For is taken (RFC 7239 §8): addresses and ranges. */
  trustedProxies: Type.Optional(
    Type.Array(Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}(?:/[0-9]{1,3})?$' }), { maxItems: 16 }),
  ),
  requestsPerToken: PerSecond,
  burstPerToken: Burst,
  requestsPerUser: PerSecond,
  burstPerUser: Burst,
  requestsPerSource: PerSecond,
  burstPerSource: Burst,
  signInTries: Tries,
  signInSourceTries: Type.Optional(Type.Integer({ minimum: 10, maximum: 100_000 })),
  passkeyTries: Tries,
  signInWait: Type.Optional(Type.Integer({ minimum: 60, maximum: 86_400 })),
  drain: Type.Integer({ minimum: 0, maximum: 3600 }),
  drainNotice: Type.Integer({ minimum: 0, maximum: 600 }),
  log: Type.Optional(Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])),
  metricsToken: Type.Optional(Type.String({ pattern: '^[\\x21-\\x7e]{32,256}$' })),
  cometbft: Type.Optional(Path),
  vaultDatabase: Type.Optional(Postgres),
  vaultKeysDatabase: Type.Optional(Postgres),
});
export type Configuration = Static<typeof Configuration>;
export type SettingName = keyof Configuration;

/** Schema of one setting. */
export function schemaOf(name: SettingName): TSchema {
  return Configuration.properties[name];
}

/** Where a setting is taken from, how its text is read, and what it may be. */
export interface Setting {
  /** `--option` of `aceso start`. */
  readonly option?: string;
  /** Variable of the environment. */
  readonly variable?: string;
  /** False for what a file may not hold: secrets, and words that are meant for one start. */
  readonly inFile: boolean;
  readonly kind: 'text' | 'whole' | 'flag' | 'list' | 'pairs';
  /** For people: `takes …`. */
  readonly allowed: string;
  readonly isSecret?: true;
  /** Names a file or folder that is read at the first start. */
  readonly isInput?: true;
  /** A path, taken from the folder of who names it. */
  readonly isPath?: true;
}

const path = { inFile: true, kind: 'text', isPath: true } as const;
const url = { inFile: true, kind: 'text', allowed: 'an address, http://… or https://…' } as const;
const perSecond = { inFile: true, kind: 'whole', allowed: 'requests a second, from 1 to 1000000' } as const;
const burst = { inFile: true, kind: 'whole', allowed: 'requests at once, from 20 to 10000000' } as const;
const tries = { inFile: true, kind: 'whole', allowed: 'a number from 3 to 1000' } as const;
const secret = { inFile: false, kind: 'text', isSecret: true } as const;

/** Every setting by its name in a configuration file. */
export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  data: { ...path, option: 'data', allowed: 'a folder' },
  port: { option: 'port', inFile: true, kind: 'whole', allowed: 'a number from 0 to 65535' },
  host: { option: 'host', inFile: true, kind: 'text', allowed: 'an address or name of this machine, without a port' },
  baseUrl: { ...url, option: 'base-url', variable: 'ACESO_BASE_URL' },
  confirmClock: { option: 'confirm-clock', inFile: false, kind: 'flag', allowed: 'no value; it is said at one start' },
  empty: { option: 'empty', inFile: true, kind: 'flag', allowed: 'true or false; as an option no value' },
  genesis: { ...path, option: 'genesis', allowed: 'a file', isInput: true },
  keys: { ...path, option: 'keys', allowed: 'a file', isInput: true },
  network: { ...path, option: 'network', allowed: 'a file', isInput: true },
  p2p: { option: 'p2p', inFile: true, kind: 'text', allowed: 'tcp://HOST:PORT' },
  carry: { ...path, option: 'carry', allowed: 'a folder', isInput: true },
  snapshotEvery: { option: 'snapshot-every', inFile: true, kind: 'whole', allowed: 'a number from 1 on' },
  follow: { ...url, option: 'follow' },
  witness: { option: 'witness', inFile: true, kind: 'pairs', allowed: 'NAME=URL; in a file {"NAME": "URL"}' },
  peer: { option: 'peer', inFile: true, kind: 'list', allowed: 'addresses, http://… or https://…; in a file a list' },
  trustedProxies: {
    ...{ option: 'trusted-proxy', inFile: true, kind: 'list' },
    allowed: 'addresses or ranges of proxies, as 10.0.0.7 or 10.0.0.0/24; in a file a list',
  },
  requestsPerToken: perSecond,
  burstPerToken: burst,
  requestsPerUser: perSecond,
  burstPerUser: burst,
  requestsPerSource: perSecond,
  burstPerSource: burst,
  signInTries: tries,
  signInSourceTries: { inFile: true, kind: 'whole', allowed: 'a number from 10 to 100000' },
  passkeyTries: tries,
  signInWait: { inFile: true, kind: 'whole', allowed: 'seconds, from 60 to 86400' },
  drain: { option: 'drain', inFile: true, kind: 'whole', allowed: 'seconds, from 0 to 3600' },
  drainNotice: { option: 'drain-notice', inFile: true, kind: 'whole', allowed: 'seconds, from 0 to 600' },
  log: {
    ...{ variable: 'ACESO_LOG', inFile: true, kind: 'text' },
    allowed: 'one of trace, debug, info, warn, error, fatal, silent',
  },
  metricsToken: {
    ...secret,
    variable: 'ACESO_METRICS_TOKEN',
    allowed: '32 to 256 printable characters without spaces',
  },
  cometbft: { variable: 'ACESO_COMETBFT', inFile: false, kind: 'text', allowed: 'the path of the program' },
  vaultDatabase: {
    ...secret,
    variable: 'ACESO_VAULT_DATABASE',
    allowed: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  },
  vaultKeysDatabase: {
    ...secret,
    variable: 'ACESO_VAULT_KEYS_DATABASE',
    allowed: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  },
};

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** What holds where nothing is said. */
export const DEFAULTS = { data: 'data', port: 8103, host: '127.0.0.1', drain: 30, drainNotice: 0 } as const;
