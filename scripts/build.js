#!/usr/bin/env node
'use strict';

// npm run build: the addon, and its types for who works on it. Arguments are handed on to `napi build`, such as --target.
//   npm run build:debug            without optimization

const os = require('node:os');
const path = require('node:path');
const { ROOT, localBinary, run } = require('./setup');
const { main } = require('./command');

/**
 * rustc flags by which a released binary tells nothing of the machine that built it: the messages of panics name source
 * files. RUSTFLAGS are split at spaces, so a folder with a space in its name stays.
 */
function withoutPaths() {
  const cargoHome = process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo');
  const folders = { [ROOT]: '.', [path.join(cargoHome, 'registry', 'src')]: 'crates' };
  return Object.entries(folders)
    .filter(([folder]) => !/\s/.test(folder))
    .map(([folder, name]) => `--remap-path-prefix=${folder}=${name}`);
}

function build(args) {
  const release = !args.includes('--debug');
  const rest = args.filter((arg) => arg !== '--debug');
  // Not CARGO_ENCODED_RUSTFLAGS: those hide the RUSTFLAGS that napi itself sets for musl.
  const flags = [process.env.RUSTFLAGS ?? '', ...(release ? withoutPaths() : [])].join(' ').trim();
  run(
    localBinary('napi'),
    ['build', '--platform', ...(release ? ['--release'] : []), '--no-js', '--dts', 'binding.d.ts', ...rest],
    { cwd: ROOT, env: { ...process.env, ...(flags && { RUSTFLAGS: flags }) } },
  );
}

main(() => build(process.argv.slice(2)));
