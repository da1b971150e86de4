'use strict';

// Waiting for callbacks, errors and conditions, and keeping everything waiting. Without a test runner: the features (runtimes/features.cjs) use it under
// Bun and Deno as well.

const assert = require('node:assert');
const { setTimeout: sleep } = require('node:timers/promises');

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

module.exports = { blockFor, called, rejection, waitUntil };
