#!/usr/bin/env node
'use strict';

// Writes the README's table of differences to node-etcd from __test__/differential/differences.js.

const differences = require('../__test__/differential/differences');
const { main, say } = require('./command');
const { README, rewriteReadme, table, withPart } = require('./readme');

/** The README's text with the table as it should be. */
function readmeWith(text) {
  const rows = differences.map(({ about, 'node-etcd': theirs, here }) => [about, theirs, here]);
  const part = table([['', 'node-etcd 7.0.0', 'node-etcd-native'], ...rows]);
  return withPart(text, 'differences', 'scripts/differences.js', part);
}

if (require.main === module) {
  main(() => {
    rewriteReadme(readmeWith);
    say(`README.md lists ${differences.length} differences`);
  });
}

module.exports = { README, readmeWith };
