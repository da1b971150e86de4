'use strict';

// wrk, a load generator in C: what the server and the machine can do at most.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile, spawn } = require('node:child_process');
const { promisify } = require('node:util');
const { fromDebian } = require('../scripts/debian-command');
const { KEY, VALUE } = require('./workloads');

const UNITS = { us: 1, ms: 1000, s: 1e6 };

function command({ host, verb, inFlight, seconds }, script) {
  const { file, env } = fromDebian('wrk', ['wrk', 'libluajit2-5.1-2']);
  const args = ['-t1', `-c${inFlight}`, `-d${Math.ceil(seconds)}s`, '--latency', `http://${host}/v2/keys/${KEY}`];
  if (verb === 'set') {
    const type = 'wrk.headers["content-type"] = "application/x-www-form-urlencoded"';
    fs.writeFileSync(script, `wrk.method = "PUT"\nwrk.body = "value=${VALUE}"\n${type}\n`);
    args.unshift('-s', script);
  }
  return { file, args, env };
}

async function withScript(work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-'));
  try {
    return await work(path.join(folder, 'put.lua'));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** The same figures as of the other contestants, without CPU times. */
function measureWrk(load) {
  return withScript(async (script) => {
    const { file, args, env } = command(load, script);
    const { stdout } = await promisify(execFile)(file, args, { env });
    const time = (share) => {
      const [, number, unit] = new RegExp(`${share}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout);
      return number * UNITS[unit];
    };
    return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]), p50: time(50), p99: time(99) };
  });
}

/** Writes as fast as the server takes it while `work` runs. */
function whileWriting(host, work) {
  return withScript(async (script) => {
    const { file, args, env } = command({ host, verb: 'set', inFlight: 8, seconds: 3600 }, script);
    const writer = spawn(file, args, { env, stdio: 'ignore' });
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    try {
      return await work();
    } finally {
      writer.kill();
      await ended;
    }
  });
}

module.exports = { measureWrk, whileWriting };
