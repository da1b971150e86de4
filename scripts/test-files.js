'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./setup');

const FOLDER = '__test__';

function testFilesIn(folder) {
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFilesIn(place);
    return /\.test\.[cm]?js$/.test(entry.name) ? [place] : [];
  });
}

/** All test files, as a list: what a folder or a pattern means to `node --test` differs between Node's versions. */
const allTestFiles = () => testFilesIn(FOLDER).sort();

/** The file of a name such as `requests/keys`. */
const testFile = (name) => path.join(FOLDER, `${name}.test.js`);

module.exports = { FOLDER, allTestFiles, testFile };
