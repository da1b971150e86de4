#!/usr/bin/env node
'use strict';

// Writes the README's table of differences to node-etcd from __test__/differential/differences.js.

const fs = require('node:fs');
const path = require('node:path');
const differences = require('../__test__/differential/differences');
const { Failure, main, say } = require('./command');

const README = path.join(__dirname, '..', 'README.md');
const START = '<!-- differences: written by scripts/differences.js -->';
const END = '<!-- end of differences -->';

function table() {
  const rows = differences.map(({ about, 'node-etcd': theirs, here }) => `| ${about} | ${theirs} | ${here} |`);
  return ['| | node-etcd 7.0.0 | node-etcd-native |', '|---|---|---|', ...rows].join('\n');
}

/** The README's text with the table as it should be. */
function readmeWith(text) {
  const start = text.indexOf(START);
  const end = text.indexOf(END, start);
  if (start < 0 || end < 0) throw new Failure(`README.md has no place for the table, between ${START} and ${END}`);
  return `${text.slice(0, start + START.length)}\n${table()}\n${text.slice(end)}`;
}

if (require.main === module) {
  main(() => {
    fs.writeFileSync(README, readmeWith(fs.readFileSync(README, 'utf8')));
    say(`README.md lists ${differences.length} differences`);
  });
}

module.exports = { README, readmeWith };
