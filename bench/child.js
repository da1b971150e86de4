'use strict';

// One measurement in a process of its own: `measure` in the parent, the rest of this file in the child.

const { fork } = require('node:child_process');

/** Resolves with the figures of a workload. */
function measure(workload, parameters, env = {}) {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, [workload, JSON.stringify(parameters)], {
      execArgv: ['--expose-gc'],
      env: { ...process.env, ...env },
    });
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${workload} ended with ${signal ?? `exit code ${code}`}`)));
  });
}

async function main([workload, parameters]) {
  const { WORKLOADS } = require('./workloads');
  const figures = await WORKLOADS[workload](JSON.parse(parameters));
  // What is still open ends with the process.
  process.send(figures, () => process.exit());
}

if (require.main === module) main(process.argv.slice(2));

module.exports = { measure };
