'use strict';

// A TCP proxy in a process of its own, between a client and a port of this machine: its connections can be cut.

const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');

const PROCESS = path.join(__dirname, 'cut-proxy-process.js');

/** Resolves with { host, cut, close, stop }: `cut` resets all connections, `close` refuses new ones as well. */
async function startCutProxy(port) {
  const child = fork(PROCESS, [String(port)], { execArgv: [], env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
  const [message] = await once(child, 'message');
  const call = async (name) => {
    child.send(name);
    await once(child, 'message');
  };
  const stop = async () => {
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  };
  return { host: `127.0.0.1:${message.port}`, cut: () => call('cut'), close: () => call('close'), stop };
}

module.exports = { startCutProxy };
