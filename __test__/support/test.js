'use strict';

// node:test, except that what the chosen transport leaves out (transports.js) is skipped, with the reason. For all files
// whose etcd is that of `withEtcd` or `withClient`.

const path = require('node:path');
const runner = require('node:test');
const { chosenTransport, whyLeftOut } = require('./transports');

/** The test file that is running, as in `requests/keys`. */
function currentFile() {
  const file = path.relative(path.join(__dirname, '..'), require.main?.filename ?? '');
  return file.replaceAll(path.sep, '/').replace(/\.test\.[cm]?js$/, '');
}

/** `test` or `describe`, which skips what `reasonFor(name)` has a reason for. */
function skipping(run, reasonFor) {
  return (name, ...rest) => {
    const reason = reasonFor(name);
    if (reason === undefined) return run(name, ...rest);
    const options = typeof rest[0] === 'object' ? rest[0] : {};
    return run(name, { ...options, skip: reason }, rest.at(-1));
  };
}

const transport = chosenTransport();
const reasonFor = (name) => whyLeftOut(transport, currentFile(), name);

const { after, afterEach, before, beforeEach } = runner;

module.exports = {
  after,
  afterEach,
  before,
  beforeEach,
  describe: skipping(runner.describe, reasonFor),
  skipping,
  test: skipping(runner.test, reasonFor),
};
