'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./setup');

const FOLDER = '__test__';

/** All test files, as a list: what a folder or a pattern means to `node --test` differs between Node's versions. */
function allTestFiles() {
  const names = fs.readdirSync(path.join(ROOT, FOLDER)).filter((name) => /\.test\.[cm]?js$/.test(name));
  return names.sort().map((name) => path.join(FOLDER, name));
}

module.exports = { FOLDER, allTestFiles };
