'use strict';

// Runs JavaScript in a Node process of its own: for what a test can only see from outside, such as whether and when
// the process ends by itself. Or in a thread of its own: for what only has to go on beside the test.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { text } = require('node:stream/consumers');
const { Worker } = require('node:worker_threads');

const ROOT = path.join(__dirname, '..', '..');

let scriptEnvironment = {};

/** What scripts find in their environment, unless they are given something else. */
function setScriptEnvironment(env = {}) {
  scriptEnvironment = env;
}

const isFile = (text) => /^[^\n]+\.[cm]?js$/.test(text) && fs.existsSync(path.resolve(ROOT, text));

/**
 * Runs a file, or source text (in which `require('.')` is the package), and resolves when the process has ended:
 * { code, signal, stdout, stderr, ms, timedOut, pid }. It is killed after `timeoutMs`. `through` is the beginning of a
 * command which runs it.
 */
function runScript(source, { args = [], env = {}, timeoutMs = 20_000, execArgv = [], input, through = [] } = {}) {
  const what = isFile(source) ? [source] : ['-e', source, '--'];
  return new Promise((resolve, reject) => {
    const started = process.hrtime.bigint();
    const [command, ...rest] = [...through, process.execPath, ...execArgv, ...what, ...args];
    const child = spawn(command, rest, {
      cwd: ROOT,
      // The test runner's own marker would make a child's output that of a test.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...scriptEnvironment, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const result = { pid: child.pid, stdout: '', stderr: '', timedOut: false };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        result[name] += text;
      });
    }
    const deadline = setTimeout(() => {
      result.timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.once('error', reject);
    child.once('exit', () => {
      result.ms = Number(process.hrtime.bigint() - started) / 1e6;
    });
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      resolve({ ...result, code, signal });
    });
    child.stdin.on('error', () => {}); // it may end without reading
    child.stdin.end(input);
  });
}

/** Runs a file in a thread of this process and resolves when it has ended: { code, stdout, stderr }. */
async function runThread(file, { args = [], timeoutMs = 20_000 } = {}) {
  const worker = new Worker(path.resolve(ROOT, file), { argv: args, stdout: true, stderr: true });
  const deadline = setTimeout(() => worker.terminate(), timeoutMs);
  const output = Promise.all([text(worker.stdout), text(worker.stderr)]);
  const [code] = await once(worker, 'exit');
  clearTimeout(deadline);
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}

/** What a program has printed so far, and then its end: { printed, ended }. */
function followed(streams, ended) {
  const program = { printed: '' };
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (text) => {
      program.printed += text;
    });
  }
  program.ended = ended;
  return program;
}

/** Starts a file in a process: { printed, ended, kill, end }. `end` asks it to end; `ended` is its exit code or signal. */
function startScript(file, { args = [], env = {} } = {}) {
  const child = spawn(process.execPath, [path.resolve(ROOT, file), ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...scriptEnvironment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(([code, signal]) => signal ?? code);
  const kill = () => child.kill('SIGKILL');
  return Object.assign(followed([child.stdout, child.stderr], ended), { kill, end: () => child.kill('SIGTERM') });
}

/** The same in a thread of this process, which cannot be asked to end. */
function startThread(file, { args = [], env = {} } = {}) {
  const options = { argv: args, env: { ...process.env, ...env }, stdout: true, stderr: true };
  const worker = new Worker(path.resolve(ROOT, file), options);
  const ended = once(worker, 'exit').then(([code]) => code);
  return Object.assign(followed([worker.stdout, worker.stderr], ended), { kill: () => worker.terminate() });
}

/** Runs a script as `runScript`, expects it to end well and by itself, and resolves with the JSON that it printed. */
async function printedBy(source, options) {
  const { code, signal, stdout, stderr, timedOut } = await runScript(source, options);
  const what = timedOut ? 'was killed, as it did not end' : `ended with ${signal ?? code}`;
  assert.equal(code, 0, `The script ${what}\n${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

module.exports = { printedBy, runScript, runThread, setScriptEnvironment, startScript, startThread };
