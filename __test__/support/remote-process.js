'use strict';

// A part of a test in a process of its own, which is asked by calls and tells by events.

const { EventEmitter } = require('node:events');
const { fork } = require('node:child_process');

class RemoteProcess extends EventEmitter {
  #child;
  #calls = new Map();
  #lastId = 0;

  constructor(file, args = []) {
    super();
    this.#child = fork(file, args.map(String), { execArgv: [], env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.on('message', (message) => this.#receive(message));
    this.ended.then(() => this.#settleAll());
  }

  /** Resolves with what the function of that name returned there. */
  call(name, ...args) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) return reject(new Error('The process has ended'));
      this.#calls.set(id, { resolve, reject });
      return this.#child.send({ id, name, args });
    });
  }

  #receive({ id, result, error, event, value }) {
    if (event !== undefined) return this.emit(event, value);
    const { resolve, reject } = this.#calls.get(id);
    this.#calls.delete(id);
    return error === undefined ? resolve(result) : reject(new Error(error));
  }

  #settleAll() {
    for (const { reject } of this.#calls.values()) reject(new Error('The process has ended'));
    this.#calls.clear();
  }

  async stop() {
    if (this.#child.connected) this.#child.disconnect();
    const escalation = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(escalation);
  }
}

/** In the process: says something, if anybody is there to hear it. */
function say(message) {
  if (process.connected) process.send(message, () => {});
}

/** In the process: answers calls by these functions, until nobody is there to call. */
function answerCalls(functions) {
  process.on('message', async ({ id, name, args }) => {
    try {
      say({ id, result: await functions[name](...args) });
    } catch (error) {
      say({ id, error: error.stack });
    }
  });
  process.on('disconnect', () => process.exit());
}

/** In the process: tells an event. */
function tell(event, value) {
  say({ event, value });
}

module.exports = { RemoteProcess, answerCalls, tell };
