'use strict';

// What a test makes, and does not have to end itself. The order is the same in every file: what was made last ends
// first, as it may use what was made before. For files whose tests run one after the other.

const { afterEach } = require('node:test');
const { startScripted } = require('./scripted-server');

const stack = [];

/** Does this after the test that is running, however that ends, and before what was to be done until now. */
function cleanUp(work) {
  stack.push(work);
}

afterEach(async () => {
  const errors = [];
  while (stack.length > 0) {
    try {
      await stack.pop()();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '));
  if (errors.length > 0) throw errors[0];
});

/** Hands back what it gets, and calls its stop() after the test. */
function keep(thing) {
  cleanUp(() => thing.stop());
  return thing;
}

/** As `startScripted`, for the time of the test. */
async function scripted(steps, options) {
  return keep(await startScripted(steps, options));
}

module.exports = { cleanUp, keep, scripted };
