'use strict';

// Runs the cases of this folder through one client: its process (runner.js), and the servers
// that it talks to. Two stages with the same scripts, one for each client, can be compared.

const path = require('node:path');
const { fork } = require('node:child_process');
const { startEtcd } = require('../../scripts/etcd');
const { freePort } = require('../../scripts/ports');
const { makeCertificates } = require('../support/certificates');
const { startDeaf } = require('../support/deaf-server');
const { filled, replaced } = require('./comparable');
const { startScripted } = require('../support/scripted-server');
const { startTunnelProxy } = require('./tunnel-proxy');

const RUNNER = path.join(__dirname, 'runner.js');
const CASE_MS = 30_000;

/**
 * What a case can name as `{a}` and so on, if its file needs it; {a} is always there.
 * - b is to be reached as localhost, another name; c is another port.
 * - s and what follows speak TLS: s has a good certificate, m wants one of the client, too.
 * - tunnel is a proxy for CONNECT, etcd a real one, deaf a port that never connects.
 */
const PARTS = {
  a: () => startScripted(),
  b: () => startScripted([], { host: 'localhost' }),
  c: () => startScripted(),
  s: secure('server'),
  rsa: secure('server-rsa'),
  p384: secure('server-p384'),
  p521: secure('server-p521'),
  ed25519: secure('server-ed25519'),
  elsewhere: secure('elsewhere'),
  expired: secure('expired'),
  alone: secure('alone'),
  version1: secure('version1'),
  unnamed: secure('unnamed'),
  short: secure('short', { ciphers: 'DEFAULT:@SECLEVEL=0' }),
  belowExpired: secure('below-expired'),
  m: secure('server', { ca: 'ca.pem', requestCert: true, rejectUnauthorized: true }),
  tunnel: startTunnelProxy,
  deaf: startDeaf,
  etcd: () => startEtcd(),
};
const TLS_PARTS = [
  's',
  'rsa',
  'p384',
  'p521',
  'ed25519',
  'elsewhere',
  'expired',
  'alone',
  'version1',
  'unnamed',
  'short',
  'belowExpired',
  'm',
];

/** A scripted server with a certificate; with an authority for those of clients, it sends that one along, too. */
function secure(name, { ca, ...options } = {}) {
  return (certificates) => {
    const [cert, key] = [certificates.read(`${name}.pem`), certificates.read(`${name}-key.pem`)];
    return startScripted([], { tls: { cert, key, ...(ca && { ca: certificates.read(ca) }), ...options } });
  };
}

const DEFAULT_STEP = {
  reply: {
    headers: { 'X-Etcd-Index': '7' },
    json: { action: 'get', node: { key: '/k', value: 'v', modifiedIndex: 7, createdIndex: 7 } },
  },
};

/** Variables that change what a client does: cases set their own. */
const CLEAN = /^(.*_proxy|NODE_TLS_REJECT_UNAUTHORIZED|NODE_EXTRA_CA_CERTS|NODE_DEBUG|NODE_TEST_CONTEXT)$/i;

function runnerEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !CLEAN.test(name));
  return { ...Object.fromEntries(kept), RUNNING_UNIT_TESTS: 'true' };
}

/** A client's process. */
class Runner {
  #pending = new Map();
  #lastId = 0;

  constructor(module, answer, env) {
    this.child = fork(RUNNER, [module], {
      serialization: 'advanced',
      execArgv: [],
      env: { ...runnerEnvironment(), ...env },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.stderr = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.ready = new Promise((resolve) => this.child.once('message', resolve));
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.ended.then(() => this.#settleAll({ died: true }));
    this.child.on('error', () => {}); // a message that it no longer takes
    this.child.on('message', (message) => {
      if (message.ask) answer(message).then((reply) => this.child.connected && this.child.send(reply));
      else if (message.id) this.#settle(message);
    });
  }

  #settle({ id, result }) {
    this.#pending.get(id)?.(result);
    this.#pending.delete(id);
  }

  #settleAll(result) {
    for (const id of this.#pending.keys()) this.#settle({ id, result });
  }

  get isAlive() {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.connected;
  }

  /** Resolves with the case's result, or { died } when the process does not survive it. */
  async run(request) {
    const id = ++this.#lastId;
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), CASE_MS);
    try {
      return await new Promise((resolve) => {
        this.#pending.set(id, resolve);
        this.child.send({ kind: 'run', id, ...request });
      });
    } finally {
      clearTimeout(deadline);
    }
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** A client's process and its servers. */
class Stage {
  #module;
  #certificates;
  #runner;
  #parts = {};
  #refused;

  constructor(module, certificates) {
    this.#module = module;
    this.#certificates = certificates;
  }

  async start(needs) {
    const names = Object.keys(PARTS).filter((name) => name === 'a' || needs.includes(name));
    const starting = names.map(async (name) => {
      this.#parts[name] = undefined; // their order, whichever is up first
      this.#parts[name] = await PARTS[name](this.#certificates);
    });
    await Promise.all([...starting, this.#startRunner()]);
    this.#refused = await freePort();
  }

  async stop() {
    await Promise.all([this.#runner, ...Object.values(this.#parts)].map((part) => part?.stop()));
  }

  /** The parts that have a script and remember requests. */
  get #servers() {
    return Object.entries(this.#parts).filter(([, part]) => part.setScript);
  }

  /** The etcd's index, after it was brought up to at least `index` by writes that concern no case. */
  async etcdIndex(index = 0) {
    const url = `${this.#parts.etcd.url}/v2/keys/_filling`;
    for (;;) {
      const now = Number((await fetch(url)).headers.get('x-etcd-index'));
      if (now >= index) return now;
      for (let i = now; i < index; i++) await fetch(url, { method: 'PUT' });
    }
  }

  async #startRunner(env) {
    this.#runner = new Runner(this.#module, (question) => this.#answer(question), env);
    await Promise.race([this.#runner.ready, this.#runner.ended]);
  }

  async #answer({ ask: id, what, argument: { server: name, count } }) {
    const server = this.#parts[name];
    const questions = {
      received: () => server.waitFor(count).then(() => undefined),
      servernames: async () => (await server.requests()).map(({ servername }) => servername),
      heads: async () => (await server.requests()).map(({ rawHeaders }) => rawHeaders),
    };
    try {
      return { kind: 'answer', id, result: await questions[what]() };
    } catch (error) {
      return { kind: 'answer', id, error: error.message };
    }
  }

  async #restartRunner(env) {
    await this.#runner.stop();
    await this.#startRunner(env);
  }

  /** Runs a case: { result, wire, sent, connections } with ports as `{a}` and the like. */
  async run(file, testCase) {
    const places = { refused: this.#refused, certificates: this.#certificates?.path };
    for (const [name, { port }] of Object.entries(this.#parts)) places[name] = port;
    const fill = (text) => filled(text, places);
    if (testCase.startEnv) await this.#restartRunner(replaced(testCase.startEnv, fill));
    else if (!this.#runner.isAlive) await this.#startRunner();
    const before = await this.#setScripts(replaced(testCase.servers ?? { a: testCase }, fill));
    const result = await this.#runner.run({ file, name: testCase.name, places });
    const seen = await this.#seen(before, testCase);
    if (testCase.leaves || testCase.startEnv) await this.#restartRunner();
    return withoutPorts({ result, ...seen }, places);
  }

  async #setScripts(scripts) {
    const before = {};
    for (const [name, server] of this.#servers) {
      const { steps = [], fallback = DEFAULT_STEP } = scripts[name] ?? {};
      await server.forget();
      await server.setScript(steps, { fallback });
      before[name] = await server.connections();
    }
    return before;
  }

  async #seen(before, { anyOrder }) {
    const wire = [];
    const sent = [];
    const connections = {};
    for (const [name, server] of this.#servers) {
      for (const request of await server.requests()) {
        wire.push(wireOf(name, withConditionsInForm(request), anyOrder));
        sent.push(wireOf(name, request));
      }
      connections[name] = (await server.connections()) - before[name];
    }
    return { wire, sent, connections };
  }
}

/** Headers that are no part of what is asked: cases about them ask for all `heads`. */
const ASIDE = ['connection', 'referer'];
/** Methods to which a body of no bytes is no body. */
const BODILESS = ['GET', 'HEAD', 'OPTIONS'];

function meaningOf({ method, headers }) {
  const isMeant = ([name, value]) =>
    !ASIDE.includes(name) && !(name === 'content-length' && value === '0' && BODILESS.includes(method));
  const kept = Object.entries(headers).filter(isMeant);
  return Object.fromEntries(kept.map(([name, value]) => [name, value.replace(/,\s*/g, ', ')]));
}

const CONDITION = /^prev(Exist|Index|Value)=/;

/** A PUT with its conditions in its form, where to etcd they mean the same as in its query. */
function withConditionsInForm(request) {
  const { method, path, query, headers, body } = request;
  const pairs = query.split('&');
  const conditions = pairs.filter((pair) => CONDITION.test(pair));
  if (method !== 'PUT' || conditions.length === 0) return request;
  const rest = pairs.filter((pair) => !CONDITION.test(pair)).join('&');
  const form = [body, ...conditions].filter((part) => part !== '').join('&');
  const ofForm = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(form.length) };
  const url = rest === '' ? path : `${path}?${rest}`;
  return { ...request, url, query: rest, headers: { ...headers, ...ofForm }, body: form };
}

/** What of a request has a meaning to a server. */
function wireOf(server, request, anyOrder) {
  const { method, path, query, url, body } = request;
  const sorted = query === '' ? path : `${path}?${query.split('&').sort().join('&')}`;
  return { server, method, url: anyOrder ? sorted : url, headers: meaningOf(request), body };
}

function withoutPorts(value, places) {
  const numbers = Object.entries(places).filter(([, place]) => typeof place === 'number');
  const names = new Map(numbers.map(([name, port]) => [port, `{${name}}`]));
  const inText = new RegExp(`\\b(${[...names.keys()].join('|')})\\b`, 'g');
  return replaced(value, (item, field) => {
    if (typeof item === 'number') return field === 'port' ? (names.get(item) ?? item) : item;
    return item.replace(inText, (port) => names.get(Number(port)));
  });
}

/**
 * Starts a stage for each client that `modules` name, as `require` finds them from this folder. Resolves with
 * { stages, stop }. `needs` are names of PARTS.
 */
async function startStages(modules, needs = []) {
  const certificates = needs.some((name) => TLS_PARTS.includes(name)) ? makeCertificates() : undefined;
  const stages = modules.map((module) => new Stage(module, certificates));
  const stop = async () => {
    await Promise.all(stages.map((stage) => stage.stop()));
    certificates?.remove();
  };
  try {
    await Promise.all(stages.map((stage) => stage.start(needs)));
    return { stages, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Brings the etcds of the stages to the same index, so that what they answer is the same. */
async function evenOut(stages) {
  const indexes = await Promise.all(stages.map((stage) => stage.etcdIndex()));
  await Promise.all(stages.map((stage) => stage.etcdIndex(Math.max(...indexes))));
}

module.exports = { evenOut, startStages };
