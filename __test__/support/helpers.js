'use strict';

const assert = require('node:assert/strict');
const { afterEach } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { runScript } = require('./node-script');
const { startScripted } = require('./scripted-server');

/** Resolves with the arguments of a callback: `const [err, body] = await called((done) => etcd.get('a', done))`. */
function called(start) {
  return new Promise((resolve) => start((...args) => resolve(args)));
}

/** Resolves with what rejected the promise. */
async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('The promise was fulfilled');
}

/** Resolves once the condition holds: for what cannot be waited for otherwise. */
async function waitUntil(condition, { timeoutMs = 10_000 } = {}) {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`Not so within ${timeoutMs} ms: ${condition}`);
    await sleep(5);
  }
}

/** Keeps this thread busy: no event is handled meanwhile. */
function blockFor(ms) {
  const end = Date.now() + ms;
  while (Date.now() < end);
}

/** As `startScripted`, and stops each server after the test of this file that started it. */
function scriptedServers() {
  const servers = [];
  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));
  return async (steps, options) => {
    const server = await startScripted(steps, options);
    servers.push(server);
    return server;
  };
}

/** Gives `keep(watcher)`: what it got is stopped after the test of this file that made it. */
function keptWatchers() {
  const watchers = [];
  afterEach(() => {
    for (const watcher of watchers.splice(0)) watcher.stop();
  });
  return (watcher) => {
    watchers.push(watcher);
    return watcher;
  };
}

/** Runs a script as `runScript`, expects it to end well and by itself, and resolves with the JSON that it printed. */
async function printedBy(source, options) {
  const { code, signal, stdout, stderr, timedOut } = await runScript(source, options);
  const what = timedOut ? 'was killed, as it did not end' : `ended with ${signal ?? code}`;
  assert.equal(code, 0, `The script ${what}\n${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

module.exports = { blockFor, called, keptWatchers, printedBy, rejection, scriptedServers, waitUntil };
