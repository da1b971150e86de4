#!/usr/bin/env node
'use strict';

// npm test: all tests, from a fresh checkout.
//   npm test -- __test__/watcher/watcher.test.js            these files alone
//   npm test -- --test-name-pattern=abort           passed on to Node's test runner
//   npm test -- --debug                             with a debug build of the addon

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, ensureAddon, ensureDependencies, localBinary, run } = require('./setup');
const { findEtcd } = require('./etcd');
const { main, say } = require('./command');
const { runParts } = require('./parts');
const { FOLDER, allTestFiles } = require('./test-files');

function parse(args) {
  const isFile = (arg) => !arg.startsWith('-') && fs.existsSync(path.resolve(ROOT, arg));
  return {
    debug: args.includes('--debug'),
    files: args.filter(isFile),
    flags: args.filter((arg) => !isFile(arg) && arg !== '--debug'),
  };
}

function nodeTests(files, flags) {
  if (files.some((file) => path.basename(file) === 'install.test.js')) {
    ensureDependencies(path.join(ROOT, FOLDER, 'install'));
  }
  const reporter = flags.some((flag) => flag.startsWith('--test-reporter'))
    ? []
    : [`--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`];
  run(process.execPath, ['--test', ...reporter, ...flags, ...files], { cwd: ROOT });
}

function test(args) {
  const { debug, files, flags } = parse(args);
  ensureDependencies();
  ensureAddon({ debug });
  process.env.ADDON_BUILD = debug ? 'debug' : 'release';
  process.env.ETCD = findEtcd();
  say(`etcd: ${process.env.ETCD}`);
  const javaScript = (list) => ({ name: 'JavaScript tests', work: () => nodeTests(list, flags) });
  if (files.length > 0) return runParts([javaScript(files)]);
  const inRoot = { cwd: ROOT };
  return runParts([
    { name: 'Rust tests', work: () => run('cargo', ['test', '--no-default-features', '--locked'], inRoot) },
    { name: 'Type tests', work: () => run(localBinary('tsd'), [], inRoot) },
    javaScript(allTestFiles()),
  ]);
}

main(() => test(process.argv.slice(2)));
