#!/usr/bin/env node
'use strict';

// npm test: all tests, from a fresh checkout.
//   npm test -- __test__/requests/keys.test.js      these files alone, with a debug build of the addon;
//   npm test -- requests/keys watcher/              the same by name, and all of a folder
//   npm test -- --watch requests/keys               again after each change of the JavaScript that they load
//   npm test -- --test-name-pattern=abort           passed on to Node's test runner
//   npm test -- --debug, npm test -- --release …    the other build

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { ROOT, ensureAddon, ensureDependencies, localBinary, run } = require('./setup');
const { findEtcd, findEtcdV3 } = require('./etcd');
const { Failure, main, say } = require('./command');
const { runParts } = require('./parts');
const { allTestFiles, filesOfBehaviour, testFile, testFilesOf, testName } = require('./test-files');
const { TRANSPORTS, chosenTransport, whyLeftOut } = require('../__test__/support/transports');

const BUILDS = ['--debug', '--release'];

/** A build for debugging is made sooner: for a few tests it is the right one. */
function isDebugBuild(builds, files) {
  if (builds.length > 1) throw new Failure(`${builds.join(' and ')} exclude each other`);
  return builds.length > 0 ? builds[0] === '--debug' : files.length > 0;
}

function parse(args) {
  const builds = BUILDS.filter((build) => args.includes(build));
  const files = [...new Set(args.flatMap(testFilesOf))];
  const flags = args.filter((arg) => testFilesOf(arg).length === 0 && !BUILDS.includes(arg));
  return { debug: isDebugBuild(builds, files), files, flags };
}

function nodeTests(files, flags, env = process.env) {
  const folders = new Set(files.map((file) => path.resolve(ROOT, path.dirname(file))));
  for (const folder of folders) if (fs.existsSync(path.join(folder, 'package.json'))) ensureDependencies(folder);
  const isReported = flags.some((flag) => flag.startsWith('--test-reporter'));
  if (isReported) return run(process.execPath, ['--test', ...flags, ...files], { cwd: ROOT, env });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-test-'));
  const failures = path.join(folder, 'failures');
  const reporters = [
    [process.stdout.isTTY ? 'spec' : 'tap', 'stdout'],
    [pathToFileURL(path.join(__dirname, 'failed-tests.js')).href, failures],
  ].flatMap(([name, to]) => [`--test-reporter=${name}`, `--test-reporter-destination=${to}`]);
  try {
    run(process.execPath, ['--test', ...reporters, ...flags, ...files], { cwd: ROOT, env });
  } catch (error) {
    if (fs.existsSync(failures)) error.details = fs.readFileSync(failures, 'utf8');
    throw error;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** They take as long as all others together. `npm run test:faults` runs them on a store in memory, too. */
const LONG = ['processes/leaks', 'processes/lifecycle'];

/** The tests of behaviour once more, over another transport, but for the files that it leaves out as a whole. */
function behaviourTests(transport, flags) {
  const names = filesOfBehaviour().map(testName);
  const applicable = names.filter((name) => !LONG.includes(name) && !whyLeftOut(TRANSPORTS[transport], name));
  const files = applicable.map(testFile);
  nodeTests(files, flags, { ...process.env, TEST_TRANSPORT: transport });
}

function test(args) {
  const { debug, files, flags } = parse(args);
  const { name: transport } = chosenTransport();
  ensureDependencies();
  ensureAddon({ debug });
  process.env.ADDON_BUILD = debug ? 'debug' : 'release';
  process.env.ETCD = findEtcd();
  say(`etcd: ${process.env.ETCD}, transport: ${transport}`);
  const javaScript = (list) => ({ name: 'JavaScript tests', work: () => nodeTests(list, flags) });
  if (files.length > 0) return runParts([javaScript(files)]);
  process.env.ETCD_V3 = findEtcdV3(); // once, and not by several files at the same time
  const inRoot = { cwd: ROOT };
  return runParts([
    { name: 'Rust tests', work: () => run('cargo', ['test', '--no-default-features', '--locked'], inRoot) },
    { name: 'Type tests', work: () => run(localBinary('tsd'), [], inRoot) },
    javaScript(allTestFiles()),
    { name: 'JavaScript tests on a store in memory', work: () => behaviourTests('memory', flags) },
    { name: 'JavaScript tests on v2 kept on v3', work: () => behaviourTests('v3', flags) },
  ]);
}

main(() => test(process.argv.slice(2)));
