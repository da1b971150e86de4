'use strict';

// Two files of tests for jest, which load the package each on its own: what does one see of the other?

const fs = require('node:fs');
const path = require('node:path');
const Etcd = require('../../../..');

/** Writes the file's name into the store, and into a report who it saw there, and in which process. */
module.exports = (file) => {
  const name = path.basename(file);
  test(name, async () => {
    await new Etcd('memory:').set(`files/${name}`, 'here');
    const seen = Object.keys(Etcd.memory().dump());
    fs.appendFileSync(process.env.REPORT, `${JSON.stringify({ pid: process.pid, seen })}\n`);
  });
};
