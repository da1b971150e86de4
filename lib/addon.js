// biome-ignore-all lint/style/useNodejsImportProtocol: old versions of Node do not know it
'use strict';

// The addon, by way of the loader that `napi build` generates, whose errors are put here into words that help.
// Syntax that old versions of Node can read, since it is here that they are told so.

const fs = require('fs');
const { createRequire } = require('module');
const path = require('path');

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

/** What the loader complains of, in the order of its tries: it chains them as causes, the last one first. */
function complaints(error) {
  const lines = [];
  for (let cause = error.cause || error; cause; cause = cause.cause) {
    // What follows the first line is the stack of `require`.
    lines.unshift(String(cause.message || cause).split('\n')[0]);
  }
  return lines.filter((line) => !/wasi/.test(line)); // for WebAssembly there is no build
}

function loadFailure(error) {
  const text = [
    'node-etcd-native has no binary that can be loaded here.',
    `  This is:    ${process.platform} ${process.arch}${libc()}, Node.js ${process.versions.node}`,
    `  Supported:  ${SUPPORTED}`,
    '  What went wrong:',
  ];
  for (const line of complaints(error)) text.push(`  - ${line}`);
  text.push(
    'On a supported platform: the binary is an optional dependency. Install without --omit=optional, and if the lock file',
    'comes from another platform without node_modules and package-lock.json (https://github.com/npm/cli/issues/4828).',
    'On any other: build it. With Rust and a C compiler, `npm install` and `npm run build` in a checkout of the source,',
    'then install the checkout, or name its .node file in NAPI_RS_NATIVE_LIBRARY_PATH.',
    "If loading addons is disabled: Node's permission model allows it by --allow-addons; --no-addons has to go.",
  );
  const failure = new Error(text.join('\n'));
  failure.code = 'ERR_NATIVE_BINARY';
  failure.cause = error;
  return failure;
}

/** How the names of the packages with a binary for this system end. */
const ENDINGS = { darwin: [''], linux: ['-gnu', '-musl'], win32: ['-msvc'] }[process.platform] || [];

/** The manifest of an installed package. Where `require` finds it, but without what that costs each start of a program. */
function manifestOf(name) {
  const file = `${name}/package.json`;
  // Not `require` itself: bundlers would look for what it asks for. Yarn's Plug'n'Play knows no folders.
  if (process.versions.pnp) return createRequire(__filename).resolve(file);
  return module.paths.map((folder) => `${folder}/${file}`).find((found) => fs.existsSync(found));
}

/** What an installed package tells of its binary: { file, size, expected }, `expected` undefined in a checkout. */
function installedBinary(name) {
  try {
    const manifest = manifestOf(name);
    if (!manifest) return undefined; // the loader says so
    const { main, binarySize } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
    const file = path.join(path.dirname(manifest), main);
    return { file, size: fs.statSync(file).size, expected: binarySize };
  } catch (_) {
    return undefined;
  }
}

/** Some installers bring the binaries for both C libraries, of which one is loaded. */
function isForOtherLibc(ending) {
  return process.platform === 'linux' && (ending === '-musl') !== /musl/.test(libc());
}

/**
 * Refuses a binary that was cut, as by a full disk: the system's loader would read beyond its end, and the process would
 * die of a signal.
 */
function checkSizes() {
  for (const ending of ENDINGS) {
    const binary = installedBinary(`@node-etcd-native/binding-${process.platform}-${process.arch}${ending}`);
    const isWhole = !binary || binary.expected === undefined || binary.size === binary.expected;
    if (!isWhole && !isForOtherLibc(ending)) {
      throw new Error(`${binary.file} has ${binary.size} bytes instead of ${binary.expected}: install it again`);
    }
  }
}

function load() {
  if (parseInt(process.versions.node, 10) < LEAST_NODE) {
    throw new Error(`Node.js ${process.versions.node} is too old: ${LEAST_NODE} is the oldest that works`);
  }
  if (!process.env.NAPI_RS_NATIVE_LIBRARY_PATH) checkSizes();
  const binding = require('../binding');
  if (!binding.NativeClient) throw new Error('What was loaded is not the binary of node-etcd-native');
  return binding;
}

try {
  module.exports = load();
} catch (error) {
  throw loadFailure(error);
}
