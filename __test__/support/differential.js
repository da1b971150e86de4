'use strict';

// Runs the cases of __test__/differential through one client: its process (differential-runner.js), and the servers
// that it talks to. Two stages with the same scripts, one for each client, can be compared.

const path = require('node:path');
const { fork } = require('node:child_process');
const { startEtcd } = require('../../scripts/etcd');
const { freePort } = require('../../scripts/ports');
const { startDeaf } = require('./deaf-server');
const { replaced } = require('./plain');
const { startScripted } = require('./scripted-server');

const RUNNER = path.join(__dirname, 'differential-runner.js');
const CASE_MS = 30_000;

/** The scripted servers that a case can name as `{a}` and so on; {b} is to be reached as localhost, another name. */
const SERVERS = { a: { host: '127.0.0.1' }, b: { host: 'localhost' }, c: { host: '127.0.0.1' } };

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

  constructor(module, answer) {
    this.child = fork(RUNNER, [module], {
      serialization: 'advanced',
      execArgv: [],
      env: runnerEnvironment(),
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

class Stage {
  #module;
  #runner;
  #servers = {};
  #etcd;
  #deaf;
  #refused;

  constructor(module) {
    this.#module = module;
  }

  /**
   * `needs` may hold 'b' and 'c' (more servers than {a}), 'etcd' (a real one, `{etcd}`) and 'deaf' (a port that never
   * connects, `{deaf}`).
   */
  async start(needs = []) {
    const names = Object.keys(SERVERS).filter((name) => name === 'a' || needs.includes(name));
    const starting = names.map(async (name) => {
      this.#servers[name] = undefined; // their order, whichever is up first
      this.#servers[name] = await startScripted([], SERVERS[name]);
    });
    if (needs.includes('etcd')) starting.push(startEtcd().then((etcd) => (this.#etcd = etcd)));
    if (needs.includes('deaf')) starting.push(startDeaf().then((deaf) => (this.#deaf = deaf)));
    await Promise.all([...starting, this.#startRunner()]);
    this.#refused = await freePort();
  }

  async stop() {
    const parts = [this.#runner, this.#etcd, this.#deaf, ...Object.values(this.#servers)];
    await Promise.all(parts.map((part) => part?.stop()));
  }

  /** The etcd's index, after it was brought up to at least `index` by writes that concern no case. */
  async etcdIndex(index = 0) {
    const url = `${this.#etcd.url}/v2/keys/_filling`;
    for (;;) {
      const now = Number((await fetch(url)).headers.get('x-etcd-index'));
      if (now >= index) return now;
      for (let i = now; i < index; i++) await fetch(url, { method: 'PUT' });
    }
  }

  async #startRunner() {
    this.#runner = new Runner(this.#module, (question) => this.#answer(question));
    await Promise.race([this.#runner.ready, this.#runner.ended]);
  }

  async #answer({ ask: id, what, argument: { server: name, count, how } }) {
    const server = this.#servers[name];
    const questions = {
      received: () => server.waitFor(count).then(() => undefined),
      heads: async () => (await server.requests()).map(({ rawHeaders }) => rawHeaders),
      disconnect: () => server.closeConnections(how),
    };
    try {
      return { kind: 'answer', id, result: await questions[what]() };
    } catch (error) {
      return { kind: 'answer', id, error: error.message };
    }
  }

  /** Runs a case: { result, wire, connections } with ports as `{a}` and the like. */
  async run(file, testCase) {
    const ports = { refused: this.#refused };
    for (const [name, server] of Object.entries(this.#servers)) ports[name] = server.port;
    if (this.#etcd) ports.etcd = this.#etcd.port;
    if (this.#deaf) ports.deaf = this.#deaf.port;
    const fill = (text) => (typeof text === 'string' ? text.replace(/\{(\w+)\}/g, (all, n) => ports[n] ?? all) : text);
    if (!this.#runner.isAlive) await this.#startRunner();
    const before = await this.#setScripts(replaced(testCase.servers ?? { a: testCase }, fill));
    const result = await this.#runner.run({ file, name: testCase.name, ports });
    const seen = await this.#seen(before, testCase);
    if (testCase.leaves) {
      await this.#runner.stop();
      await this.#startRunner();
    }
    return withoutPorts({ result, ...seen }, ports);
  }

  async #setScripts(scripts) {
    const before = {};
    for (const [name, server] of Object.entries(this.#servers)) {
      const { steps = [], fallback = DEFAULT_STEP } = scripts[name] ?? {};
      await server.forget();
      await server.setScript(steps, { fallback });
      before[name] = await server.connections();
    }
    return before;
  }

  async #seen(before, { anyOrder }) {
    const wire = [];
    const connections = {};
    for (const [name, server] of Object.entries(this.#servers)) {
      for (const request of await server.requests()) wire.push(wireOf(name, request, anyOrder));
      connections[name] = (await server.connections()) - before[name];
    }
    return { wire, connections };
  }
}

/** Headers that are no part of what is asked: cases about them ask for all `heads`. */
const ASIDE = ['connection', 'referer'];
/** Methods to which a body of no bytes is no body. */
const BODILESS = ['GET', 'HEAD', 'OPTIONS'];

function meaningOf({ method, headers }) {
  const isMeant = ([name, value]) =>
    !ASIDE.includes(name) && !(name === 'content-length' && value === '0' && BODILESS.includes(method));
  return Object.fromEntries(Object.entries(headers).filter(isMeant));
}

/** What of a request has a meaning to a server. */
function wireOf(server, request, anyOrder) {
  const { method, path, query, url, body } = request;
  const sorted = query === '' ? path : `${path}?${query.split('&').sort().join('&')}`;
  return { server, method, url: anyOrder ? sorted : url, headers: meaningOf(request), body };
}

function withoutPorts(value, ports) {
  const names = new Map(Object.entries(ports).map(([name, port]) => [port, `{${name}}`]));
  const inText = new RegExp(`\\b(${[...names.keys()].join('|')})\\b`, 'g');
  return replaced(value, (item) =>
    typeof item === 'number' ? (names.get(item) ?? item) : item.replace(inText, (port) => names.get(Number(port))),
  );
}

/** Starts a stage for the client that `module` names, as `require` would find it from the tests. */
async function startStage(module, needs) {
  const stage = new Stage(module);
  try {
    await stage.start(needs);
    return stage;
  } catch (error) {
    await stage.stop();
    throw error;
  }
}

/** Brings the etcds of the stages to the same index, so that what they answer is the same. */
async function evenOut(stages) {
  const indexes = await Promise.all(stages.map((stage) => stage.etcdIndex()));
  await Promise.all(stages.map((stage) => stage.etcdIndex(Math.max(...indexes))));
}

module.exports = { evenOut, startStage };
