'use strict';

// The process in which one of the two clients runs its cases (see stages.js, which forks it): each `run` message
// names a case, the answer is what it returned, as plain data.

const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { comparable, filled, replaced } = require('./comparable');

const CASE_MS = 15_000;

const Etcd = require(process.argv[2]);

const questions = new Map();
let lastQuestion = 0;

/** Asks the test's process for something that it does with a server. */
function ask(what, argument) {
  const id = ++lastQuestion;
  return new Promise((resolve, reject) => {
    questions.set(id, { resolve, reject });
    process.send({ ask: id, what, argument });
  });
}

function attempt(work) {
  try {
    return { returned: work() };
  } catch (error) {
    return { thrown: error };
  }
}

/** Resolves with what a callback got, and whether it came before the method had returned. */
function outcomeOf(start) {
  return new Promise((resolve) => {
    let returned = false;
    const { thrown } = attempt(() =>
      start((...args) => resolve(returned ? { arguments: args } : { arguments: args, early: true })),
    );
    returned = true;
    if (thrown) resolve({ thrown });
  });
}

/** What a case's `run` gets as its second argument. */
class Helpers {
  constructor(etcd, places) {
    this.etcd = etcd;
    this.places = places;
    this.Etcd = Etcd;
    this.attempt = attempt;
    this.outcomeOf = outcomeOf;
    this.sleep = sleep;
  }

  /** Calls a method with a callback added: { arguments } of the callback, or { thrown }. */
  call = (method, ...args) => outcomeOf((callback) => this.etcd[method](...args, callback));

  /** Calls a method as it is: { returned } or { thrown }. */
  sync = (method, ...args) => attempt(() => this.etcd[method](...args));

  /** Resolves when a server has got so many requests. */
  received = (count, server = 'a') => ask('received', { server, count });

  /** The headers of a server's requests as they were sent: a list of [name, value] for each. */
  heads = (server = 'a') => ask('heads', { server });

  /** The names that the handshakes before a server's requests carried. */
  servernames = (server) => ask('servernames', { server });

  /** Does some work and resolves with the exceptions that nobody caught meanwhile. */
  uncaughtDuring = async (work) => {
    const errors = [];
    const listener = (error) => errors.push(error);
    process.on('uncaughtException', listener);
    try {
      await work(errors);
    } finally {
      process.off('uncaughtException', listener);
    }
    return errors;
  };

  /** Resolves with the value, or with `otherwise` when it takes too long: for what may never happen. */
  within = (ms, promise, otherwise) => Promise.race([promise, sleep(ms, otherwise)]);
}

/** Changes environment variables, for the time of a case: the clients read them when they are used. */
function setEnvironment(variables) {
  const before = Object.keys(variables).map((name) => [name, process.env[name]]);
  const set = ([name, value]) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  Object.entries(variables).forEach(set);
  return () => before.forEach(set);
}

function caseOf(file, name) {
  return require(path.join(__dirname, 'cases', file)).cases.find((candidate) => candidate.name === name);
}

async function runCase({ file, name, places }) {
  const { hosts = '127.0.0.1:{a}', options, env = {}, call, run } = caseOf(file, name);
  const restore = setEnvironment(replaced(env, (text) => filled(text, places)));
  try {
    const fill = (text) => filled(text, places);
    const make = () => new Etcd(replaced(hosts, fill), typeof options === 'function' ? options(fill) : options);
    const { returned: etcd, thrown } = attempt(make);
    if (thrown) return { constructor: thrown };
    const helpers = new Helpers(etcd, places);
    const work = call ? helpers.call(...call) : run(etcd, helpers);
    return await helpers.within(CASE_MS, work, { timedOut: true });
  } catch (error) {
    return { failed: error };
  } finally {
    restore();
  }
}

const messages = {
  run: async ({ id, ...request }) => process.send({ id, result: comparable(await runCase(request)) }),
  answer: ({ id, result, error }) => {
    const { resolve, reject } = questions.get(id);
    questions.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  },
};

process.on('message', (message) => messages[message.kind](message));
process.on('disconnect', () => process.exit());
process.send({ ready: true });
