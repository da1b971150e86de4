'use strict';

const path = require('node:path');
const { debianPackage } = require('./debian-package');
const { isExecutable, which } = require('./command');

/** How to start a command that may come from Debian's packages: from the PATH, or else from what they hold. */
function fromDebian(command, packages) {
  const installed = which(command);
  if (installed) return { file: installed, env: process.env };
  const folders = packages.map(debianPackage);
  const places = folders.flatMap((folder) => ['usr/bin', 'usr/sbin'].map((bin) => path.join(folder, bin, command)));
  const libraries = folders.map((folder) =>
    path.join(folder, 'usr', 'lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`),
  );
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(':') };
  return { file: places.find(isExecutable), env };
}

module.exports = { fromDebian };
