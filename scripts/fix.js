#!/usr/bin/env node
'use strict';

// npm run fix: repairs what `npm run check` complains of and a tool can repair, also in files with changes that are not
// committed yet. What is left, `npm run check` tells.

const { ROOT, ensureDependencies, ensureRust, localBinary, run, runComponent } = require('./setup');
const { main } = require('./command');
const { runParts } = require('./parts');

const inRoot = { cwd: ROOT };

const clippy = (...features) =>
  runComponent('clippy', [
    'clippy',
    '--fix',
    '--allow-dirty',
    '--allow-staged',
    '--all-targets',
    '--locked',
    ...features,
  ]);

const PARTS = [
  { name: 'clippy', work: () => clippy() },
  { name: 'clippy, core alone', work: () => clippy('--no-default-features') },
  // After clippy, whose repairs it may have to format.
  { name: 'rustfmt', work: () => runComponent('rustfmt', ['fmt']) },
  { name: 'biome', work: () => run(localBinary('biome'), ['check', '--write', '.'], inRoot) },
  { name: 'differences', work: () => run(process.execPath, ['scripts/differences.js'], inRoot) },
];

main(() => {
  ensureDependencies();
  ensureRust();
  return runParts(PARTS);
});
