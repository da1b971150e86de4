'use strict';

// What every script needs before it can start: a Node that is new enough, the npm dependencies, the built addon.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Failure, ask, isExecutable, run, say, which } = require('./command');

const ROOT = path.join(__dirname, '..');

function readJson(...names) {
  const file = path.join(...names);
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
}

function checkNode() {
  const least = Number(/\d+/.exec(readJson(ROOT, 'package.json').engines.node)[0]);
  const major = Number(process.versions.node.split('.')[0]);
  if (major < least) throw new Failure(`Node.js ${least} or newer is needed; this is ${process.version}`);
}

/** Whether node_modules is what package-lock.json asks for. npm's own record tells: file times change with a checkout. */
function isInstalled(folder) {
  const wanted = readJson(folder, 'package-lock.json')?.packages ?? {};
  const present = readJson(folder, 'node_modules', '.package-lock.json')?.packages;
  if (!present) return false;
  return Object.entries(wanted).every(([place, { version, optional }]) => {
    if (place === '') return true;
    return present[place] ? present[place].version === version : optional;
  });
}

/** The npm packages of the checkout, or of a folder in it that has needs of its own. */
function ensureDependencies(folder = ROOT) {
  checkNode();
  if (isInstalled(folder)) return;
  say(`Installing the npm packages that ${path.relative(ROOT, folder) || 'building and testing'} need`);
  // Not `npm ci`, which insists on a lock file that knows the optional packages of every platform; this keeps to the
  // locked versions too, and --no-save leaves the lock file alone. Engine warnings would only alarm.
  const quietly = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  run('npm', ['install', '--no-save', ...quietly], { cwd: folder });
}

/** rustup puts cargo where a shell that was started before does not look. */
function findCargo() {
  if (which('cargo')) return;
  const folder = path.join(process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo'), 'bin');
  if (!isExecutable(path.join(folder, process.platform === 'win32' ? 'cargo.exe' : 'cargo'))) {
    throw new Failure('Rust is missing (no cargo on the PATH). Get it from https://rustup.rs and try again.');
  }
  process.env.PATH = `${folder}${path.delimiter}${process.env.PATH}`;
}

function checkRustVersion() {
  const least = /^rust-version = "([\d.]+)"/m.exec(fs.readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8'))?.[1];
  const { ok, output } = ask('rustc', ['--version']);
  if (!ok) throw new Failure(`rustc does not run: ${output.trim()}`);
  const present = /rustc ([\d.]+)/.exec(output)?.[1];
  if (!least || !present || least.localeCompare(present, 'en', { numeric: true }) <= 0) return;
  throw new Failure(`Rust ${least} or newer is needed; this is ${present}. \`rustup update stable\` gets it.`);
}

function checkCompiler() {
  const named = process.env.CC?.split(' ')[0];
  const candidates = named ? [named] : ['cc', 'gcc', 'clang'];
  if (process.platform === 'win32' || candidates.some((name) => isExecutable(name) || which(name))) return;
  throw new Failure(
    `A C compiler is missing (looked for ${candidates.join(', ')} on the PATH). ` +
      'Debian, Ubuntu: apt-get install build-essential. Fedora: dnf install gcc. macOS: xcode-select --install.',
  );
}

function ensureRust() {
  findCargo();
  checkRustVersion();
  checkCompiler();
}

/** Runs a cargo subcommand that is a component of its own and may be missing. */
function runComponent(component, args) {
  if (!ask('cargo', [args[0], '--version']).ok) {
    throw new Failure(
      `${component} is not installed: \`rustup component add ${component}\` (Debian: package ${component})`,
    );
  }
  run('cargo', args, { cwd: ROOT });
}

/** Builds the addon, always: cargo knows best whether there is anything to do. */
function ensureAddon({ debug = false } = {}) {
  ensureRust();
  say(`Building the addon (${debug ? 'debug' : 'release; the first time takes minutes'})`);
  run('npm', ['run', '--silent', debug ? 'build:debug' : 'build'], { cwd: ROOT });
}

/** The path of a development tool's JavaScript entry or launcher in node_modules/.bin. */
function localBinary(name) {
  return path.join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
}

module.exports = { ROOT, ensureAddon, ensureDependencies, ensureRust, findCargo, localBinary, run, runComponent };
