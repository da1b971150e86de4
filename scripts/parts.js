'use strict';

const { say } = require('./command');

/** Runs named parts one after the other, whatever fails, and tells at the end. Resolves with an exit code. */
async function runParts(parts) {
  const failed = [];
  for (const { name, work } of parts) {
    process.stderr.write(`\n== ${name}\n`);
    try {
      await work();
    } catch (error) {
      failed.push(name);
      say(`${name} failed: ${error.message}`);
    }
  }
  process.stderr.write('\n');
  for (const { name } of parts) say(`${failed.includes(name) ? 'FAILED' : 'ok    '} ${name}`);
  return failed.length > 0 ? 1 : 0;
}

module.exports = { runParts };
