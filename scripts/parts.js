'use strict';

const { say } = require('./command');

/**
 * Runs named parts one after the other, whatever fails, and tells at the end, with an error's `details` if it has some.
 * Resolves with an exit code.
 */
async function runParts(parts) {
  const failed = new Map();
  for (const { name, work } of parts) {
    process.stderr.write(`\n== ${name}\n`);
    try {
      await work();
    } catch (error) {
      failed.set(name, error.details ?? '');
      say(`${name} failed: ${error.message}`);
    }
  }
  process.stderr.write('\n');
  for (const { name } of parts) {
    say(`${failed.has(name) ? 'FAILED' : 'ok    '} ${name}`);
    process.stderr.write(failed.get(name) ?? '');
  }
  return failed.size > 0 ? 1 : 0;
}

module.exports = { runParts };
