#!/usr/bin/env node
'use strict';

// npm run test:faults: what is about faults, clusters, lifecycles and leaks, with more and longer runs than npm test. Takes
// less than ten minutes. Random seeds for as long as one likes: npm run soak.

const { findEtcd } = require('./etcd');
const { main } = require('./command');
const { ROOT, ensureAddon, ensureDependencies, run } = require('./setup');
const { testFile } = require('./test-files');

const FILES = [
  'connections/faults',
  'processes/leaks',
  'connections/cluster',
  'connections/failover',
  'connections/retries',
  'processes/lifecycle',
  'processes/close',
  'processes/clock',
  'connections/hostile',
  'connections/boundaries',
  'watcher/faults',
  'watcher/model',
];

main(() => {
  ensureDependencies();
  ensureAddon();
  const env = { ...process.env, ETCD: findEtcd(), LONG: '1' };
  // One file after the other: what is measured is theirs alone.
  const reporter = `--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`;
  const test = (files, more) => {
    const args = ['--test', '--test-concurrency=1', reporter, ...files.map(testFile)];
    run(process.execPath, args, { cwd: ROOT, env: { ...env, ...more } });
  };
  test(FILES);
  test(['processes/leaks', 'processes/lifecycle'], { TEST_TRANSPORT: 'memory' });
});
