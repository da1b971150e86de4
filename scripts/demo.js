#!/usr/bin/env node
'use strict';

// npm run demo: a tour of the API from a fresh checkout, on a store in the tour's own process.
//   npm run demo -- --etcd 127.0.0.1:2379      the same on an etcd with the v2 API

const path = require('node:path');
const { parseArgs } = require('node:util');
const { ROOT, ensureAddon, ensureDependencies, run } = require('./setup');
const { Failure, main, say } = require('./command');

const STORE = 'memory:';

/** The host that the command line names. */
function hostOf(args) {
  try {
    return parseArgs({ args, options: { etcd: { type: 'string' } } }).values.etcd ?? STORE;
  } catch (error) {
    throw new Failure(`${error.message}. Usage: npm run demo -- --etcd HOST:PORT`);
  }
}

main(() => {
  const host = hostOf(process.argv.slice(2));
  ensureDependencies();
  ensureAddon();
  run(process.execPath, [path.join('examples', 'tour.js'), host], { cwd: ROOT });
  if (host === STORE) say('That was a store in the process. On an etcd: npm run demo -- --etcd 127.0.0.1:2379');
});
