#!/usr/bin/env node
'use strict';

// Writes the table of differences to node-etcd, in docs/differences.md, from __test__/differential/differences.js.

const differences = require('../__test__/differential/differences');
const { main, say } = require('./command');
const { table, writePart } = require('./written-parts');

/** The table as it should be. */
function tableOfDifferences() {
  const rows = differences.map(({ about, 'node-etcd': theirs, here }) => [about, theirs, here]);
  return table([['', 'node-etcd 7.0.0', 'node-etcd-native'], ...rows]);
}

if (require.main === module) {
  main(() => {
    const page = writePart('differences', tableOfDifferences());
    say(`${page} lists ${differences.length} differences`);
  });
}

module.exports = { tableOfDifferences };
