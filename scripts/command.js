'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { constants } = require('node:os');
const { spawn, spawnSync } = require('node:child_process');

/** What stops a script, said in a way its user can act on: printed without a stack trace. */
class Failure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}

const say = (message) => process.stderr.write(`> ${message}\n`);

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The full path of a command on the PATH, or undefined. */
function which(command) {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    if (!folder) continue;
    for (const ending of endings) {
      const file = path.join(folder, command + ending);
      if (isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** Runs a command and returns { ok, output, stdout }, showing nothing: for questions whose answer may be no. */
function ask(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}`, stdout };
}

/** Runs a command with our own stdin, stdout and stderr; throws a Failure if it does not end with 0. */
function run(command, args = [], options = {}) {
  const line = [path.basename(command), ...args].join(' ');
  say(line);
  // npm and its kind are batch files on Windows, which only a shell can start.
  const shell = process.platform === 'win32' && path.extname(command) !== '.exe';
  const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit', shell, ...options });
  if (error) throw new Failure(`Could not run \`${line}\`: ${error.message}`);
  if (signal) throw new Failure(`\`${line}\` was ended by ${signal}`);
  if (status !== 0) throw new Failure(`\`${line}\` failed with exit code ${status}`, status);
}

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command in a process group of its own, so that all that it started ends with us: `node --test` leaves the
 * processes of its files behind. Resolves with the exit code. Ended by a signal, we wait for the command and fail.
 */
function runGroup(command, args, options) {
  const isGroup = process.platform !== 'win32';
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, detached: isGroup });
    let reason;
    const end = (signal) => {
      reason = signal;
      if (isGroup) process.kill(-child.pid, signal);
      else child.kill(signal);
    };
    const settle = (work) => {
      for (const signal of ENDING_SIGNALS) process.off(signal, end);
      work();
    };
    for (const signal of ENDING_SIGNALS) process.on(signal, end);
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (status) =>
      settle(() => {
        if (reason) reject(new Failure(`Ended by ${reason}`, 128 + constants.signals[reason]));
        else resolve(status);
      }),
    );
  });
}

/** Runs a script's main function, turning what it throws into a message and an exit code. */
async function main(work) {
  try {
    process.exitCode = (await work()) ?? process.exitCode;
  } catch (error) {
    process.stderr.write(`\n${error instanceof Failure ? `Error: ${error.message}` : error.stack}\n`);
    process.exitCode = error.exitCode || 1;
  }
}

module.exports = { Failure, ask, isExecutable, main, run, runGroup, say, which };
