'use strict';

// Libraries in C that change what the system tells a process, on Linux.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { cleanUp } = require('./clean-up');

/** A folder for the time of the test. */
function testFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-'));
  cleanUp(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Compiles a library of this folder for LD_PRELOAD. Without a compiler there is none: undefined. */
function compileLibrary(name, folder) {
  const library = path.join(folder, `${name}.so`);
  const source = path.join(__dirname, `${name}.c`);
  const { status } = spawnSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O1', '-o', library, source]);
  return status === 0 ? library : undefined;
}

/**
 * The environment of a process whose calls of the system can be refused, and for its own use a module that does so:
 * `require(process.env.REFUSING)('connect', 'EPERM')`, and without a second argument no more. Undefined without a compiler.
 */
function refusingEnvironment() {
  const folder = testFolder();
  const library = compileLibrary('refusals', folder);
  if (library === undefined) return undefined;
  const file = path.join(folder, 'refusals');
  fs.writeFileSync(file, Buffer.alloc(64));
  return { LD_PRELOAD: library, REFUSALS: file, REFUSING: path.join(__dirname, 'refuse.js') };
}

module.exports = { compileLibrary, refusingEnvironment, testFolder };
