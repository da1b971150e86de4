'use strict';

// One hostile run: a process with calls and watchers of odd arguments (load.js), which is watched from here, and a server
// that answers what it should not (server.js, answers.js).

const path = require('node:path');
const { printedBy } = require('../node-script');

const LOAD = path.join(__dirname, 'load.js');
const HEAP_MIB = 256;

/** So many rounds, or for so many seconds. Resolves with { wrong, … }: what is wrong as texts, and what happened. */
async function runHostile(seed, { rounds = 0, seconds = 0 }) {
  const args = [seed, rounds, seconds].map(String);
  const timeoutMs = 60_000 + 1000 * (seconds + rounds);
  const execArgv = [`--max-old-space-size=${HEAP_MIB}`];
  const seen = await printedBy(LOAD, { args, execArgv, timeoutMs, env: { RUNNING_UNIT_TESTS: 'true' } });
  return { seed, ...seen };
}

module.exports = { runHostile };
