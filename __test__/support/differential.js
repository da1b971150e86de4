'use strict';

// Runs the cases of __test__/differential through one client: its process (differential-runner.js), and the servers
// that it talks to. Two stages with the same scripts, one for each client, can be compared.

const path = require('node:path');
const { fork } = require('node:child_process');
const { startEtcd } = require('../../scripts/etcd');
const { freePort } = require('../../scripts/ports');
const { replaced } = require('./plain');
const { startScripted } = require('./scripted-server');

const RUNNER = path.join(__dirname, 'differential-runner.js');
const CASE_MS = 30_000;

/** The scripted servers that a case can name as `{a}` and `{b}`; {b} is reached as localhost, another name. */
const SERVERS = { a: { host: '127.0.0.1' }, b: { host: 'localhost' } };

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
    this.ended.then((code) => this.#failAll(new Error(`The runner has ended (${code})\n${this.stderr}`)));
    this.child.on('message', (message) => {
      if (message.ask) answer(message).then((reply) => this.child.connected && this.child.send(reply));
      else if (message.id) this.#settle(message);
    });
  }

  #settle({ id, result }) {
    this.#pending.get(id)?.resolve(result);
    this.#pending.delete(id);
  }

  #failAll(error) {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  async run(request) {
    const id = ++this.#lastId;
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), CASE_MS);
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
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
  #refused;

  constructor(module) {
    this.#module = module;
  }

  async start({ etcd = false } = {}) {
    const starting = Object.entries(SERVERS).map(async ([name, options]) => {
      this.#servers[name] = await startScripted([], options);
    });
    await Promise.all([...starting, this.#startRunner()]);
    if (etcd) this.#etcd = await startEtcd();
    this.#refused = await freePort();
  }

  async stop() {
    await Promise.all([this.#runner, this.#etcd, ...Object.values(this.#servers)].map((part) => part?.stop()));
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
    const fill = (text) => (typeof text === 'string' ? text.replace(/\{(\w+)\}/g, (all, n) => ports[n] ?? all) : text);
    const before = await this.#setScripts(replaced(testCase.servers ?? { a: testCase }, fill));
    const result = await this.#runner.run({ file, name: testCase.name, ports });
    const seen = await this.#seen(before);
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

  async #seen(before) {
    const wire = [];
    const connections = {};
    for (const [name, server] of Object.entries(this.#servers)) {
      for (const request of await server.requests()) wire.push(wireOf(name, request));
      connections[name] = (await server.connections()) - before[name];
    }
    return { wire, connections };
  }
}

/** What of a request has a meaning to a server. */
function wireOf(server, { method, url, headers, body }) {
  const { connection: _, ...meaningful } = headers;
  return { server, method, url, headers: meaningful, body };
}

function withoutPorts(value, ports) {
  const names = new Map(Object.entries(ports).map(([name, port]) => [port, `{${name}}`]));
  const inText = new RegExp(`\\b(${[...names.keys()].join('|')})\\b`, 'g');
  return replaced(value, (item) =>
    typeof item === 'number' ? (names.get(item) ?? item) : item.replace(inText, (port) => names.get(Number(port))),
  );
}

/** Starts a stage for the client that `module` names, as `require` would find it from the tests. */
async function startStage(module, options) {
  const stage = new Stage(module);
  try {
    await stage.start(options);
    return stage;
  } catch (error) {
    await stage.stop();
    throw error;
  }
}

module.exports = { startStage };
