#!/usr/bin/env node
'use strict';

// npm run test:memory: the core's tests under AddressSanitizer with LeakSanitizer, which takes a nightly Rust, and requests
// of all kinds under Valgrind. What is not installed is left out with a message. Takes some minutes.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Failure, ask, main, run, say, which } = require('./command');
const { startEtcd } = require('./etcd');
const { runParts } = require('./parts');
const { ROOT, ensureDependencies, ensureRust } = require('./setup');

const REQUESTS = path.join(ROOT, '__test__', 'support', 'loads', 'memory.js');
/** Where functions are that our own code calls with wrong arguments, if it does. */
const SYSTEM = /\/(vgpreload_[^/]*|libc[.-][^/]*|libpthread[^/]*|ld-linux[^/]*)$/;
const OURS = /\.node$/;

/** The core's tests, built for sanitizers. */
function sanitized() {
  const { ok, output } = ask('rustc', ['+nightly', '--print', 'target-libdir']);
  const folder = output.trim();
  if (!ok || !fs.readdirSync(folder).some((name) => name.includes('rt.asan'))) {
    return say(
      'AddressSanitizer takes a nightly Rust on Linux or macOS (`rustup toolchain install nightly`): left out',
    );
  }
  const target = path.basename(path.dirname(folder));
  const env = {
    ...process.env,
    RUSTFLAGS: '-Zsanitizer=address',
    ASAN_OPTIONS: `detect_leaks=${process.platform === 'linux' ? 1 : 0}`,
    CARGO_TARGET_DIR: path.join(ROOT, 'target', 'sanitized'),
  };
  const args = ['+nightly', 'test', '--no-default-features', '--locked', '--lib', '--target', target];
  return run('cargo', args, { cwd: ROOT, env });
}

/** The errors in Valgrind's report that are ours: whose innermost frame outside of the C library is. */
function ourErrors(report) {
  const errors = report.match(/<error>[\s\S]*?<\/error>/g) ?? [];
  return errors.filter((error) => {
    // What napi registers when the addon is loaded is never freed.
    if (error.includes('<kind>Leak_PossiblyLost</kind>')) return false;
    // The first stack is where it happened, any other where the memory comes from.
    const stack = /<stack>[\s\S]*?<\/stack>/.exec(error)?.[0] ?? '';
    const objects = [...stack.matchAll(/<obj>(.*?)<\/obj>/g)].map(([, object]) => object);
    return OURS.test(objects.find((object) => !SYSTEM.test(object)) ?? '');
  });
}

/** An addon that leaves memory to the system's allocator, which is the one that Valgrind watches. */
function addonForValgrind() {
  const folder = path.join(ROOT, 'target', 'valgrind');
  const args = ['--no-default-features', '--features', 'node', '--output-dir', folder];
  run('npm', ['run', '--silent', 'build', '--', ...args], { cwd: ROOT });
  return path.join(
    folder,
    fs.readdirSync(folder).find((name) => name.endsWith('.node')),
  );
}

/** Requests of all kinds in a Node under Valgrind, whose own errors do not count: it has many. */
async function valgrind() {
  if (!which('valgrind')) return say('Valgrind is not installed: left out');
  const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: addonForValgrind() };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-memory-'));
  const server = await startEtcd();
  try {
    const report = path.join(folder, 'report.xml');
    // The compiler of JavaScript writes code at run time.
    const options = ['--smc-check=all-non-file', '--leak-check=full', '--xml=yes', `--xml-file=${report}`];
    run('valgrind', [...options, '--error-limit=no', process.execPath, REQUESTS, server.host], { cwd: ROOT, env });
    const errors = ourErrors(fs.readFileSync(report, 'utf8'));
    if (errors.length > 0) throw new Failure(`Valgrind found errors of ours:\n${errors.join('\n')}`);
  } finally {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return say('Valgrind found nothing of ours');
}

main(() => {
  ensureDependencies();
  ensureRust();
  return runParts([
    { name: 'AddressSanitizer', work: sanitized },
    { name: 'Valgrind', work: valgrind },
  ]);
});
