'use strict';

// A port that takes no connection and refuses none: its process sleeps, and its queue of connections is full. (On
// Linux; elsewhere a full queue may refuse.)

const net = require('node:net');
const { spawn } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');

const SOURCE = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600_000);
  });`;

function connect(port) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  const connected = new Promise((resolve) => socket.once('connect', () => resolve(true)));
  return { socket, connected };
}

/** Resolves with { port, stop } once a connection stays unanswered. */
async function startDeaf() {
  const child = spawn(process.execPath, ['-e', SOURCE], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const port = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  const sockets = [];
  let isFull = false;
  while (!isFull && sockets.length < 20) {
    const { socket, connected } = connect(port);
    sockets.push(socket);
    isFull = !(await Promise.race([connected, sleep(200, false)]));
  }
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    child.kill('SIGKILL');
    await ended;
  };
  return { port, stop };
}

module.exports = { startDeaf };
