// biome-ignore-all lint/style/useNodejsImportProtocol: old versions of Node do not know it
'use strict';

// The addon: the binary for this system, or an error whose words help.
// Syntax that old versions of Node can read, since it is here that they are told so.

const fs = require('fs');
const { createRequire } = require('module');
const path = require('path');
const binaries = require('./binaries');

const LEAST_NODE = 18;
const SUPPORTED = [
  `Node.js ${LEAST_NODE} or newer on`,
  'Linux x64 and arm64 (glibc 2.28 or newer, or musl), macOS x64 and arm64, Windows x64 and arm64',
].join(' ');

/** The C library of this process, which only Linux has several of. */
function libc() {
  if (process.platform !== 'linux') return '';
  try {
    process.report.excludeNetwork = true;
    const report = process.report.getReport();
    const version = report.header.glibcVersionRuntime;
    return version ? `, glibc ${version}` : ', musl';
  } catch (_) {
    return '';
  }
}

/** What to tell of the errors of all tries. */
function loadFailure(errors) {
  const text = [
    'node-etcd-native has no binary that can be loaded here.',
    `  This is:    ${process.platform} ${process.arch}${libc()}, Node.js ${process.versions.node}`,
    `  Supported:  ${SUPPORTED}`,
    '  What went wrong:',
  ];
  // What follows the first line is the stack of `require`.
  for (const error of errors) text.push(`  - ${String(error.message || error).split('\n')[0]}`);
  text.push(
    'On a supported platform: the binary is an optional dependency. Install without --omit=optional, and if the lock file',
    'comes from another platform without node_modules and package-lock.json (https://github.com/npm/cli/issues/4828).',
    'On any other: build it. With Rust and a C compiler, `npm install` and `npm run build` in a checkout of the source,',
    'then install the checkout, or name its .node file in NAPI_RS_NATIVE_LIBRARY_PATH.',
    "If loading addons is disabled: Node's permission model allows it by --allow-addons; --no-addons has to go.",
  );
  const failure = new Error(text.join('\n'));
  failure.code = 'ERR_NATIVE_BINARY';
  failure.cause = errors[errors.length - 1];
  return failure;
}

/** The manifest of an installed package. Where `require` finds it, but without what that costs each start of a program. */
function manifestOf(name) {
  const file = `${name}/package.json`;
  // Not `require` itself: bundlers would look for what it asks for. Yarn's Plug'n'Play knows no folders.
  if (process.versions.pnp) return createRequire(__filename).resolve(file);
  return module.paths.map((folder) => `${folder}/${file}`).find((found) => fs.existsSync(found));
}

/**
 * Refuses a binary that was cut, as by a full disk: the system's loader would read beyond its end, and the process would
 * die of a signal. Only a published package says how large its binary is.
 */
function checkSize(name) {
  const manifest = manifestOf(name);
  if (!manifest) return; // `require` says so
  const { main, binarySize } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
  const file = path.join(path.dirname(manifest), main);
  const { size } = fs.statSync(file);
  if (binarySize !== undefined && size !== binarySize) {
    throw new Error(`${file} has ${size} bytes instead of ${binarySize}: install it again`);
  }
}

const failing = (text) => () => {
  throw new Error(text);
};

/** What to try, in order. On Linux the binary for the other C library cannot be loaded, and some installers bring both. */
function tries() {
  const { arch, platform, versions } = process;
  if (parseInt(versions.node, 10) < LEAST_NODE) {
    return [failing(`Node.js ${versions.node} is too old: ${LEAST_NODE} is the oldest that works`)];
  }
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  if (named) return [() => require(named)];
  const here = `${platform}-${arch}`;
  const names = Object.keys(binaries).filter((name) => name === here || name.startsWith(`${here}-`));
  if (names.length === 0) return [failing(`There is no binary for ${here}`)];
  const both = names.map((name) => [
    binaries[name].built,
    () => {
      checkSize(`@node-etcd-native/binding-${name}`);
      return binaries[name].installed();
    },
  ]);
  return [].concat(...both);
}

function load() {
  const errors = [];
  for (const attempt of tries()) {
    try {
      const binding = attempt();
      if (binding.NativeClient) return binding;
      throw new Error('What was loaded is not the binary of node-etcd-native');
    } catch (error) {
      errors.push(error);
    }
  }
  throw loadFailure(errors);
}

module.exports = load();
