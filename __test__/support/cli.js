'use strict';

// The package's command, for the time of a test.

const { cleanUp } = require('./clean-up');
const { COMMAND, spawnCli } = require('./cli-process');

/** As `spawnCli`; what still runs after the test is ended. */
function startCli(args, options) {
  const cli = spawnCli(args, options);
  cleanUp(() => cli.child.kill('SIGKILL'));
  return cli;
}

const runCli = (args, options) => startCli(args, options).ended;

module.exports = { COMMAND, runCli, startCli };
