#!/usr/bin/env node
'use strict';

// npm run test:faults: what is about faults, clusters, lifecycles and leaks, with more and longer runs than npm test. Takes
// less than ten minutes. Random seeds for as long as one likes: npm run soak.

const path = require('node:path');
const { findEtcd } = require('./etcd');
const { main } = require('./command');
const { ROOT, ensureAddon, ensureDependencies, run } = require('./setup');

const FILES = [
  'faults',
  'leaks',
  'cluster',
  'failover',
  'retries',
  'lifecycle',
  'close',
  'clock',
  'hostile',
  'boundaries',
];
FILES.push('watcher-faults', 'watcher-model');

main(() => {
  ensureDependencies();
  ensureAddon();
  const env = { ...process.env, ETCD: findEtcd(), LONG: '1' };
  // One file after the other: what is measured is theirs alone.
  const files = FILES.map((name) => path.join('__test__', `${name}.test.js`));
  const reporter = `--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`;
  run(process.execPath, ['--test', '--test-concurrency=1', reporter, ...files], { cwd: ROOT, env });
});
