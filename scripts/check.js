#!/usr/bin/env node
'use strict';

// npm run check: format, lint, who uses whom, types and the package for the registry, everything, with all complaints
// at the end. `npm run fix` repairs of these what can be repaired.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT, ensureDependencies, ensureRust, localBinary, run, runComponent } = require('./setup');
const { checkCitations } = require('./citations');
const { Failure, ask, main, say } = require('./command');
const { checkLayers } = require('./layers');
const { pack } = require('./pack');
const { runParts } = require('./parts');

// Left to itself, biome colours even what goes into a file.
const colors = process.stdout.isTTY ? 'force' : 'off';
const inRoot = { cwd: ROOT };

const clippy = (...features) =>
  runComponent('clippy', ['clippy', '--all-targets', '--locked', ...features, '--', '-D', 'warnings']);

/** The core is the crate without its default features. It must know nothing of Node. */
function coreWithoutNapi() {
  const args = ['tree', '--no-default-features', '--edges', 'normal', '--prefix', 'none', '--locked'];
  const { ok, output } = ask('cargo', args, inRoot);
  if (!ok) throw new Failure(output.trim());
  const found = output.split('\n').filter((line) => /^napi/.test(line));
  if (found.length > 0) throw new Failure(`the core depends on ${found.join(', ')}`);
}

/** Licences, duplicates and origins of the crates, by deny.toml. Known vulnerabilities need a database from outside. */
function crates() {
  if (!ask('cargo', ['deny', '--version']).ok) return say('cargo-deny is not installed: left out');
  run('cargo', ['deny', '--offline', 'check', 'licenses', 'bans', 'sources'], inRoot);
}

/** What users' tools make of the archive for the registry: its entry points, and the types of each. */
function publishedPackage() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-check-'));
  try {
    const { main: archive } = pack(folder);
    run(localBinary('publint'), ['run', archive, '--strict'], inRoot);
    if (Number(process.versions.node.split('.')[0]) < 20) return say('attw needs Node.js 20: left out');
    run(localBinary('attw'), [archive, '--no-definitely-typed', '--format', 'ascii', '--no-emoji'], inRoot);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const PARTS = [
  { name: 'rustfmt', work: () => runComponent('rustfmt', ['fmt', '--check']) },
  { name: 'clippy', work: () => clippy() },
  { name: 'clippy, core alone', work: () => clippy('--no-default-features') },
  { name: 'core without napi', work: coreWithoutNapi },
  { name: 'crates', work: crates },
  {
    name: 'biome',
    work: () => run(localBinary('biome'), ['ci', '--error-on-warnings', `--colors=${colors}`, '.'], inRoot),
  },
  { name: 'layers', work: checkLayers },
  { name: 'citations', work: checkCitations },
  { name: 'types', work: () => run(localBinary('tsd'), [], inRoot) },
  { name: 'package', work: publishedPackage },
];

main(() => {
  ensureDependencies();
  ensureRust();
  return runParts(PARTS);
});
