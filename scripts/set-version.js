#!/usr/bin/env node
'use strict';

// npm run version:set -- 0.2.0: one version for the main package, those of the platforms, the crate and the lock files.

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, localBinary, run } = require('./setup');
const { Failure, main } = require('./command');

const inRoot = { cwd: ROOT };

function setCrateVersion(version) {
  const file = path.join(ROOT, 'Cargo.toml');
  const text = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, text.replace(/^version = ".*"$/m, `version = "${version}"`));
  run('cargo', ['update', '--workspace', '--offline'], inRoot); // Cargo.lock: the crate's own entry alone
}

main(() => {
  const [version] = process.argv.slice(2);
  if (!version) throw new Failure('Usage: npm run version:set -- <version>');
  run('npm', ['version', version, '--no-git-tag-version', '--allow-same-version'], inRoot);
  run(localBinary('napi'), ['version'], inRoot);
  const { version: written } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  setCrateVersion(written); // npm also takes words, such as minor
});
