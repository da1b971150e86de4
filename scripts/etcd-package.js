'use strict';

// etcd from the Rust packages that carry its binary: there is one for each platform, in each version of etcd, and whoever
// builds the addon can have them.

const fs = require('node:fs');
const path = require('node:path');
const { Failure, ask } = require('./command');
const { findCargo } = require('./setup');

const PACKAGE = 'etcd-bin-vendored';
/** The platforms that there are packages for, as they name them. */
const PLATFORMS = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-amd64',
  'linux-arm64': 'linux-arm64',
  'linux-x64': 'linux-amd64',
  'win32-x64': 'windows-amd64',
};

/** The name of this platform's package. */
function packageName() {
  const here = `${process.platform}-${process.arch}`;
  if (!PLATFORMS[here]) throw new Failure(`the Rust packages ${PACKAGE}-* have no etcd for ${here}`);
  return `${PACKAGE}-${PLATFORMS[here]}`;
}

/** Has cargo unpack etcd into a folder, as a dependency of a crate that is none; the path of the binary. */
function unpackEtcd(version, folder) {
  const name = packageName();
  findCargo();
  const manifest = ['[package]', 'name = "fetch"', '[workspace]', '[dependencies]', `${name} = "=${version}"`];
  fs.writeFileSync(path.join(folder, 'Cargo.toml'), `${manifest.join('\n')}\n`);
  fs.mkdirSync(path.join(folder, 'src'));
  fs.writeFileSync(path.join(folder, 'src', 'lib.rs'), '');
  const { ok, output } = ask('cargo', ['vendor', '--quiet'], { cwd: folder });
  if (!ok) throw new Failure(`cargo could not fetch the Rust package ${name} ${version}:\n${output.trim()}`);
  return path.join(folder, 'vendor', name, 'bin', process.platform === 'win32' ? 'etcd.exe' : 'etcd');
}

module.exports = { packageName, unpackEtcd };
