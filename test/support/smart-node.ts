import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { RunningNode, StartOptions } from '../../src/cli/node-starter.ts';
import { freePort } from './network-links.ts';
import { startSeededNode } from './seeded-node.ts';
import { createSoftPasskey, type SoftPasskey } from './soft-passkey.ts';

/** A whole node whose people sign in and whose apps are registered, spoken to over HTTP as a browser and an app do. */
export interface SmartNode {
  readonly running: RunningNode;
  /** http://localhost:PORT: passkeys want a name. */
  readonly baseUrl: string;
  readonly fhirUrl: string;
  /** Token of the first organisation's administrator. */
  readonly admin: string;
  /** Its member account. */
  readonly custodian: string;
  /** Calls a route of the node's own API. */
  api(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  register(client: object): Promise<{ readonly client_id: string; readonly client_secret?: string }>;
  /** Hires a practitioner who enrols a passkey. */
  hire(label: string): Promise<Colleague>;
  fhir(token: string, path: string, init?: RequestInit): Promise<Answer>;
}

export interface Colleague {
  readonly account: string;
  readonly passkey: SoftPasskey;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many kinds, looked into by tests
  readonly json: any;
  readonly text: string;
}

export async function startSmartNode(t: TestContext, more: Partial<StartOptions> = {}): Promise<SmartNode> {
  const port = await freePort('127.0.0.1');
  const baseUrl = `http://localhost:${port}`;
  const { node } = await startSeededNode(t, { port, baseUrl, ...more });
  const [admin = ''] = Object.values(node.adminTokens);
  const call = async (url: string, init: RequestInit): Promise<Answer> => answerOf(await fetch(url, init));
  const api = (method: string, path: string, body?: unknown, token = admin) =>
    call(`${baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const { json: home } = await api('GET', '/');
  return {
    running: node,
    baseUrl,
    fhirUrl: `${baseUrl}/fhir`,
    admin,
    custodian: home.organisations?.[0]?.account ?? '',
    api,
    async register(client) {
      const { status, json, text } = await api('POST', '/api/clients', client);
      assert.equal(status, 201, text);
      return json;
    },
    async hire(label) {
      const hired = await api('POST', '/api/people', {
        label,
        roleCodes: ['http://snomed.info/sct|309343006'],
        purposes: ['TREAT', 'BTG'],
      });
      assert.equal(hired.status, 200, hired.text);
      const code = new URL(hired.json.link).hash.slice(1);
      const passkey = createSoftPasskey(baseUrl);
      const { json } = await api('POST', '/sign-in/enrol/options', { code });
      const done = await api('POST', '/sign-in/enrol/verify', { code, response: passkey.create(json.options) });
      assert.equal(done.status, 200, done.text);
      return { account: hired.json.account, passkey };
    },
    fhir: (token, path, init = {}) =>
      call(`${baseUrl}/fhir/${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } }),
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** A code verifier of RFC 7636 and its challenge. */
export function newPkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** What a browser does between an app's request and its answer: cookies, redirects, forms. */
export class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #origin: string;

  constructor(baseUrl: string) {
    this.#origin = baseUrl;
  }

  async request(url: string, init: RequestInit = {}): Promise<Answer & { readonly location: string | null }> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const target = new URL(url, this.#origin);
    const response = await fetch(target, {
      ...init,
      redirect: 'manual',
      headers: { ...(cookie === '' ? {} : { cookie }), ...init.headers },
    });
    this.keep(response.headers.getSetCookie());
    return { ...(await answerOf(response)), location: response.headers.get('location') };
  }

  /** Keeps what `Set-Cookie` headers say. */
  keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = ''] = line.split(';');
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }

  /** Follows redirects on the node itself; ends at a page, or at an address elsewhere. */
  async follow(url: string, init: RequestInit = {}): Promise<Landing> {
    let answer = await this.request(url, init);
    let at = new URL(url, this.#origin).href;
    while (answer.location !== null) {
      at = new URL(answer.location, at).href;
      if (!at.startsWith(this.#origin)) return { at, answer };
      answer = await this.request(at);
    }
    return { at, answer };
  }

  form(url: string, fields: readonly (readonly [string, string])[]): Promise<Landing> {
    return this.follow(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.#origin },
      body: new URLSearchParams(fields.map(([name, value]) => [name, value])).toString(),
    });
  }

  json(url: string, body: unknown): Promise<Answer> {
    return this.request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: this.#origin },
      body: JSON.stringify(body),
    });
  }
}

export interface Landing {
  readonly at: string;
  readonly answer: Answer;
}

/** Signs somebody in on the page where `landing` is; ends at the page after it. */
export async function signIn(browser: Browser, { at }: Landing, { passkey }: Colleague): Promise<Landing> {
  const { json } = await browser.json(`${at}/passkey/options`, {});
  const done = await browser.json(`${at}/passkey`, passkey.get(json.options));
  assert.equal(done.status, 200, done.text);
  return browser.follow(done.json.location);
}
