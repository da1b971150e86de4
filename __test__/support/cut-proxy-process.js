'use strict';

// The process of a proxy whose connections can be cut (see cut-proxy.js, which forks it).

const net = require('node:net');

const port = Number(process.argv[2]);
const sockets = new Set();
let server;

function hold(socket) {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
}

const calls = {
  /** Resets every connection; new ones are taken. */
  cut: () => {
    for (const socket of sockets) socket.resetAndDestroy();
  },
  /** The same, and new ones are refused. */
  close: () => {
    server.close();
    calls.cut();
  },
};

server = net.createServer((socket) => {
  const target = net.connect(port, '127.0.0.1');
  hold(socket);
  hold(target);
  socket.on('close', () => target.destroy());
  target.on('close', () => socket.destroy());
  socket.pipe(target).pipe(socket);
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', (name) => {
  calls[name]();
  process.send({ done: name });
});
process.on('disconnect', () => process.exit());
